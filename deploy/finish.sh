#!/usr/bin/env bash
# What follows a deployment that succeeded: the table and the stack refuse to be deleted, and those who
# deployed may use the API. `deploy/deploy.sh` calls it; call it once after `sam deploy --guided`.
#   deploy/finish.sh [--region REGION] [stack]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
need aws
stack=${1:-facerec}

output() {
  aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}
# Not in the template: CloudFormation could not roll a failed first deployment back.
aws dynamodb update-table --table-name "$(output TableName)" --deletion-protection-enabled >/dev/null
aws cloudformation update-termination-protection --stack-name "$stack" \
  --enable-termination-protection >/dev/null
access=$(output AccessTable)
if ! aws s3 ls "$access" >/dev/null 2>&1; then
  caller=$(aws sts get-caller-identity --query Arn --output text)
  echo "{\"grants\": [{\"principal\": \"$caller\", \"collections\": \"*\", \"access\": \"write\"}]}" |
    aws s3 cp --quiet - "$access"
  echo "the API answers to $caller; to let others in, edit $access (docs/security.md)" >&2
fi
