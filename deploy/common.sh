# Read by the scripts beside it: takes the options before the other arguments, and settles the region
# once, for every command that follows.
# The order is that of the AWS SDKs: --region, AWS_REGION, AWS_DEFAULT_REGION, the profile. Version 1
# of the AWS CLI reads AWS_DEFAULT_REGION only, so both are set.
while true; do
  case ${1:-} in
    --region) AWS_REGION=${2:?"--region needs a value"}; shift 2 ;;
    --yes)
      # only where the script that reads this asks a question
      if [ -z "${yes:-}" ]; then echo "error: there is no option $1" >&2; exit 2; fi
      yes=true; shift ;;
    -*) echo "error: there is no option $1" >&2; exit 2 ;;
    *) break ;;
  esac
done
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

# if_there PATTERN COMMAND...: prints the command's output, or nothing if its error says, by the pattern,
# that what it asks for does not exist. Any other error ends the script: what could not be asked for
# may well exist.
if_there() {
  local missing=$1 errors found
  shift
  errors=$(mktemp)
  if found=$("$@" 2>"$errors"); then
    [ "$found" = None ] || echo "$found"
  elif ! grep -Eq "$missing" "$errors"; then
    cat "$errors" >&2
    rm -f "$errors"
    exit 1
  fi
  rm -f "$errors"
}

# deployed_architecture STACK: prints the architecture of a stack, or that of a first deployment.
deployed_architecture() {
  local found
  found=$(if_there 'does not exist' aws cloudformation describe-stacks --stack-name "$1" \
    --query "Stacks[0].Parameters[?ParameterKey=='Architecture'].ParameterValue" --output text)
  echo "${found:-x86_64}"
}

# platform_of ARCHITECTURE: prints what Docker calls it.
platform_of() {
  case $1 in
    x86_64) echo linux/amd64 ;;
    arm64) echo linux/arm64 ;;
    *) echo "error: the architecture is $1, not x86_64 or arm64" >&2; exit 2 ;;
  esac
}
