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
# every LOGICAL_ID: prints the resource of the stack and those that took its place before. CloudFormation
# keeps the stores that a change of a parameter has replaced, which does not list them any more.
every() {
  local now before
  now=$(resource "$1") || exit 1
  before=$(if_there 'does not exist' aws cloudformation describe-stack-events --stack-name "$stack" --output text \
    --query "StackEvents[?LogicalResourceId=='$1' && PhysicalResourceId!=''].PhysicalResourceId") || exit 1
  echo "$now $before" | tr -s '[:space:]' '\n' | sed '/^$/d' | sort -u
}
# Of these, those that exist. The name of a bucket may be another account's by now.
own=$(aws s3api list-buckets --query 'Buckets[].Name' --output text | tr -s '[:space:]' '\n')
buckets=$(every Bucket | while read -r name; do grep -Fx -- "$name" <<<"$own" || true; done)
tables=$(every Table | while read -r name; do
  if_there ResourceNotFoundException aws dynamodb describe-table --table-name "$name" \
    --query "Table.TableStatus!='DELETING' && Table.TableName || \`null\`" --output text
done)
vectors=$(every VectorBucket | while read -r name; do
  if_there NotFoundException aws s3vectors get-vector-bucket --vector-bucket-name "${name##*/}" \
    --query vectorBucket.vectorBucketName --output text
done)
bucket=$(resource Bucket)
table=$(resource Table)
vector_bucket=$(resource VectorBucket)
workflow=$(resource Workflow)
queue=$(resource JobQueue)
definition=$(resource JobDefinition)
echo "The stack $stack is $status; it has these buckets, tables and vector buckets:" \
  ${buckets:-(none)} ${tables:-(none)} ${vectors:-(none)}
if [ "$yes" = false ]; then
  echo "This deletes the stack and all in them."
  read -r -p "Type the stack's name to continue: " answer
  [ "$answer" = "$stack" ] || { echo "nothing was deleted" >&2; exit 1; }
fi

# Jobs first, or their children would write into what is being emptied.
if [ -n "$queue" ]; then
  # Nothing is submitted to it any more, by no schedule and no request.
  if_there 'does not exist|not found' aws batch update-job-queue --job-queue "$queue" --state DISABLED >/dev/null
fi
if [ -n "$workflow" ]; then
  executions=$(if_there StateMachineDoesNotExist aws stepfunctions list-executions --state-machine-arn "$workflow" \
    --status-filter RUNNING --query 'executions[].executionArn' --output text)
  for execution in $executions; do
    aws stepfunctions stop-execution --execution-arn "$execution" --cause "the stack is being deleted" >/dev/null
  done
fi
# The children commit what they have when they are asked to end.
rounds=0
while [ -n "$queue" ]; do
  jobs=
  for state in SUBMITTED PENDING RUNNABLE STARTING RUNNING; do
    jobs+=" $(if_there 'does not exist|not found' aws batch list-jobs --job-queue "$queue" --job-status "$state" \
      --query 'jobSummaryList[].jobId' --output text)"
  done
  jobs=$(echo $jobs)
  [ -n "$jobs" ] || break
  if [ $((rounds += 1)) -gt 60 ]; then
    echo "error: these jobs of AWS Batch did not end within ten minutes: $jobs" >&2
    echo "hint: call this again; nothing was deleted yet" >&2
    exit 1
  fi
  for job in $jobs; do
    aws batch terminate-job --job-id "$job" --reason "the stack is being deleted"
  done
  echo "waiting for the children of jobs to end" >&2
  sleep 10
done

empty_stores() {
  local name index indexes
  for name in $tables; do
    if_there ResourceNotFoundException aws dynamodb update-table --table-name "$name" \
      --no-deletion-protection-enabled >/dev/null
    # Of a table that has this when it is deleted, DynamoDB keeps a backup for 35 days:
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
    if_there '(Resource|Table)NotFoundException' aws dynamodb update-continuous-backups --table-name "$name" \
      --point-in-time-recovery-specification PointInTimeRecoveryEnabled=false >/dev/null
  done
  for name in $buckets; do
    if_there NoSuchBucket aws s3 rm --only-show-errors --recursive "s3://$name"
  done
  for name in $vectors; do
    indexes=$(if_there NotFoundException aws s3vectors list-indexes --vector-bucket-name "$name" \
      --query 'indexes[].indexName' --output text)
    for index in $indexes; do
      if_there NotFoundException aws s3vectors delete-index --vector-bucket-name "$name" --index-name "$index"
    done
  done
}
delete_stack() {
  if [ "$status" = REVIEW_IN_PROGRESS ]; then
    # A change set that never ran: the SAM CLI does not delete such a stack.
    aws cloudformation delete-stack --stack-name "$stack" &&
      aws cloudformation wait stack-delete-complete --stack-name "$stack"
  else
    sam delete --stack-name "$stack" --region "$AWS_REGION" --no-prompts
  fi
}
# delete_stores BUCKETS TABLES VECTOR_BUCKETS
delete_stores() {
  local name
  for name in $1; do
    if_there NoSuchBucket aws s3 rm --only-show-errors --recursive "s3://$name"
    if_there NoSuchBucket aws s3api delete-bucket --bucket "$name"
  done
  for name in $2; do
    if_there ResourceNotFoundException aws dynamodb delete-table --table-name "$name" >/dev/null
  done
  for name in $3; do
    if_there NotFoundException aws s3vectors delete-vector-bucket --vector-bucket-name "$name"
  done
}
# except NAME: prints the lines of its input that are not NAME; only NAME: those that are.
except() { grep -Fvx -- "$1" || true; }
only() { grep -Fx -- "$1" || true; }

empty_stores
# What only the stack's events name goes before the stack: a call that is cut off can then be completed
# by another one, which would find no events of a deleted stack.
replaced=$(except "$table" <<<"$tables")
for name in $replaced; do
  # A table that is being updated, as above, cannot be deleted yet.
  aws dynamodb wait table-exists --table-name "$name"
done
delete_stores "$(except "$bucket" <<<"$buckets")" "$replaced" "$(except "${vector_bucket##*/}" <<<"$vectors")"
buckets=$(only "$bucket" <<<"$buckets")
tables=$(only "$table" <<<"$tables")
vectors=$(only "${vector_bucket##*/}" <<<"$vectors")
# Revisions that earlier deployments left for jobs that were running.
if [ -n "$definition" ]; then
  name=${definition##*job-definition/}
  revisions=$(aws batch describe-job-definitions --job-definition-name "${name%%:*}" --status ACTIVE \
    --query 'jobDefinitions[].jobDefinitionArn' --output text | tr -s '[:space:]' '\n')
  for revision in $(except "$definition" <<<"$revisions"); do
    [ "$revision" = None ] || aws batch deregister-job-definition --job-definition "$revision"
  done
fi
if [ "$status" != NONE ]; then
  if_there ValidationError aws cloudformation update-termination-protection \
    --stack-name "$stack" --no-enable-termination-protection >/dev/null
  if ! delete_stack; then
    # A function that was still running has written into a bucket. Now there is none any more.
    echo "trying again" >&2
    empty_stores
    delete_stack
  fi
fi
# Those that the stack could not delete when it no longer named them.
delete_stores "$buckets" "$tables" "$vectors"
found=$(if_there RepositoryNotFoundException aws ecr describe-repositories --repository-names "$repository" \
  --query 'repositories[].repositoryName' --output text)
if [ -n "$found" ]; then
  aws ecr delete-repository --force --repository-name "$repository" >/dev/null
fi
# The SAM CLI keeps the images of functions in repositories of a second stack. It makes that one first, and
# deletes it with a stack that was deployed only.
companion="${stack:0:104}-$(printf %s "$stack" | md5sum | cut -c1-8)-CompanionStack"
state=$(if_there 'does not exist' aws cloudformation describe-stacks --stack-name "$companion" \
  --query 'Stacks[0].StackStatus' --output text)
if [ -n "$state" ]; then
  repositories=$(if_there 'does not exist' aws cloudformation describe-stack-resources --stack-name "$companion" \
    --query "StackResources[?ResourceType=='AWS::ECR::Repository'].PhysicalResourceId" --output text)
  for name in $repositories; do
    if_there RepositoryNotFoundException aws ecr delete-repository --force --repository-name "$name" >/dev/null
  done
  aws cloudformation delete-stack --stack-name "$companion"
  aws cloudformation wait stack-delete-complete --stack-name "$companion"
fi
if [ "$status" = NONE ]; then
  images=$found$state
  echo "there is no stack $stack in $AWS_REGION${images:+; its repositories of images are deleted}"
  exit
fi
echo "deleted; faces in Pinecone, if any, are still there: delete the index, or its namespaces, by hand"
