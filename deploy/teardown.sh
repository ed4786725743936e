#!/usr/bin/env bash
# Deletes a stack and all that it holds: photos, collections, ledgers, reports, images.
#   deploy/teardown.sh [--yes] [stack [repository]]
# It leaves what is not the stack's: the Pinecone index, the secret with its key, and the bucket
# that the SAM CLI keeps for all stacks of the account.
set -euo pipefail
yes=false
if [ "${1:-}" = --yes ]; then yes=true; shift; fi
stack=${1:-facerec}
repository=${2:-facerec-batch}

output() {
  aws cloudformation describe-stacks --stack-name "$stack" --output text \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}
bucket=$(output BucketName)
table=$(output TableName)
if [ "$yes" = false ]; then
  echo "This deletes the stack $stack with the bucket $bucket and the table $table, and all in them."
  read -r -p "Type the stack's name to go on: " answer
  [ "$answer" = "$stack" ] || { echo "nothing was deleted" >&2; exit 1; }
fi
aws dynamodb update-table --table-name "$table" --no-deletion-protection-enabled >/dev/null
aws s3 rm --quiet --recursive "s3://$bucket"
# Which also deletes the repository that the SAM CLI made for the API's image.
sam delete --stack-name "$stack" --no-prompts
if aws ecr describe-repositories --repository-names "$repository" >/dev/null 2>&1; then
  aws ecr delete-repository --force --repository-name "$repository" >/dev/null
fi
echo "deleted; the faces in Pinecone are still there: delete the index, or its namespaces, by hand"
