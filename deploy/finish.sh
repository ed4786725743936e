#!/usr/bin/env bash
# What follows a deployment that succeeded: the table and the stack refuse to be deleted, and those who
# deployed may use the API. `deploy/deploy.sh` calls it; call it once after `sam deploy --guided`.
#   deploy/finish.sh [--region REGION] [stack]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
need aws
stack=${1:-facerec}

# output NAME: prints an output of the stack.
output() {
  local found
  found=$(aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue") || return 1
  if [ -z "$found" ] || [ "$found" = None ]; then
    echo "error: the stack $stack in $AWS_REGION has no output $1" >&2
    echo "hint: its deployment must have succeeded; its events say why it did not" >&2
    return 1
  fi
  echo "$found"
}
# Read before anything is changed. Within another command, a failure would not end the script.
table=$(output TableName)
access=$(output AccessTable)
# Not in the template: CloudFormation could not roll a failed first deployment back.
aws dynamodb update-table --table-name "$table" --deletion-protection-enabled >/dev/null
aws cloudformation update-termination-protection --stack-name "$stack" \
  --enable-termination-protection >/dev/null
place=${access#s3://}
found=$(if_there 'Not Found|NoSuchKey|404' aws s3api head-object --bucket "${place%%/*}" --key "${place#*/}" \
  --query ETag --output text)
if [ -z "$found" ]; then
  caller=$(aws sts get-caller-identity --query Arn --output text)
  # The ARN of a session is gone with the session. A role without its path names the same role in the table.
  if [[ $caller =~ ^(arn:[a-z-]+):sts::([0-9]+):assumed-role/([^/]+)/ ]]; then
    caller=${BASH_REMATCH[1]}:iam::${BASH_REMATCH[2]}:role/${BASH_REMATCH[3]}
  fi
  echo "{\"grants\": [{\"principal\": \"$caller\", \"collections\": \"*\", \"access\": \"write\"}]}" |
    aws s3 cp --quiet - "$access"
  echo "the API answers to $caller; to let others in, edit $access (docs/security.md)" >&2
fi
