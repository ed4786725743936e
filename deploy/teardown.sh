#!/usr/bin/env bash
# Deletes a stack with all its data: photos, collections, ledgers, reports, images. It works in
# whatever state the stack is, and touches nothing of another stack.
#   deploy/teardown.sh [--region REGION] [--yes] [stack]
# It leaves what is not the stack's: the Pinecone index, the secret with its key, and the bucket
# that the SAM CLI keeps for all stacks of the account.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
yes=false
. "$here/common.sh"
need aws sam
stack=${1:-facerec}
repository=$stack/batch

status=$(if_there 'does not exist' aws cloudformation describe-stacks --stack-name "$stack" \
  --query 'Stacks[0].StackStatus' --output text)
status=${status:-NONE}
# By their logical ids, since a stack that failed has no outputs. Nothing where there is none.
resource() {
  if_there 'does not exist' aws cloudformation describe-stack-resources --stack-name "$stack" --output text \
    --query "StackResources[?LogicalResourceId=='$1' && ResourceStatus!='DELETE_COMPLETE'].PhysicalResourceId"
}
bucket=$(resource Bucket)
table=$(resource Table)
workflow=$(resource Workflow)
definition=$(resource JobDefinition)
vectors=$(resource VectorBucket)
echo "The stack $stack is $status; it has the bucket ${bucket:-(none)} and the table ${table:-(none)}."
if [ "$yes" = false ]; then
  echo "This deletes the stack and all in them."
  read -r -p "Type the stack's name to continue: " answer
  [ "$answer" = "$stack" ] || { echo "nothing was deleted" >&2; exit 1; }
fi

# Jobs first, or their children would write into what is being emptied.
if [ -n "$workflow" ]; then
  executions=$(if_there StateMachineDoesNotExist aws stepfunctions list-executions --state-machine-arn "$workflow" \
    --status-filter RUNNING --query 'executions[].executionArn' --output text)
  for execution in $executions; do
    aws stepfunctions stop-execution --execution-arn "$execution" --cause "the stack is being deleted" >/dev/null
  done
fi
if [ -n "$table" ]; then
  if_there ResourceNotFoundException aws dynamodb update-table --table-name "$table" \
    --no-deletion-protection-enabled >/dev/null
fi
if [ -n "$bucket" ]; then
  if_there NoSuchBucket aws s3 rm --quiet --recursive "s3://$bucket"
fi
if [ -n "$vectors" ]; then
  indexes=$(if_there NotFoundException aws s3vectors list-indexes --vector-bucket-name "${vectors##*/}" \
    --query 'indexes[].indexName' --output text)
  for index in $indexes; do
    aws s3vectors delete-index --vector-bucket-name "${vectors##*/}" --index-name "$index"
  done
fi
if [ "$status" != NONE ]; then
  if_there ValidationError aws cloudformation update-termination-protection \
    --stack-name "$stack" --no-enable-termination-protection >/dev/null
  if [ "$status" = REVIEW_IN_PROGRESS ]; then
    # A change set that never ran: the SAM CLI does not delete such a stack.
    aws cloudformation delete-stack --stack-name "$stack"
    aws cloudformation wait stack-delete-complete --stack-name "$stack"
  else
    # Which also deletes the repository that the SAM CLI made for the API's image.
    sam delete --stack-name "$stack" --region "$AWS_REGION" --no-prompts
  fi
fi
# Revisions that earlier deployments left for jobs that were running.
if [ -n "$definition" ]; then
  name=${definition##*job-definition/}
  revisions=$(aws batch describe-job-definitions --job-definition-name "${name%%:*}" --status ACTIVE \
    --query 'jobDefinitions[].jobDefinitionArn' --output text)
  for revision in $revisions; do
    [ "$revision" = None ] || aws batch deregister-job-definition --job-definition "$revision"
  done
fi
found=$(if_there RepositoryNotFoundException aws ecr describe-repositories --repository-names "$repository" \
  --query 'repositories[].repositoryName' --output text)
if [ -n "$found" ]; then
  aws ecr delete-repository --force --repository-name "$repository" >/dev/null
fi
echo "deleted; faces in Pinecone, if any, are still there: delete the index, or its namespaces, by hand"
