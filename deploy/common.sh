# Read by the scripts beside it: settles the region once, for every command that follows.
# The order is that of the AWS SDKs: --region, AWS_REGION, AWS_DEFAULT_REGION, the profile. Version 1
# of the AWS CLI reads AWS_DEFAULT_REGION only, so both are set.
if [ "${1:-}" = --region ]; then
  AWS_REGION=${2:?"--region needs a value"}
  shift 2
fi
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
if [ -z "$region" ]; then
  echo "error: no AWS region is set" >&2
  echo "hint: set AWS_REGION, or give --region" >&2
  exit 2
fi
export AWS_REGION=$region AWS_DEFAULT_REGION=$region

# need TOOL...: ends the script unless all tools are there.
need() {
  for tool in "$@"; do
    if ! command -v "$tool" >/dev/null; then
      echo "error: $tool is not installed" >&2
      echo "hint: see docs/deploy.md, What is needed" >&2
      exit 1
    fi
  done
}
