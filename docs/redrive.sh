#!/bin/sh
# Runs the events of a dead-letter queue again, each once: sh redrive.sh <queue URL> <function name>
# A message is deleted when its run succeeds. Needs the AWS CLI and Node.js.
set -eu
queue=$1
function=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# For 15 minutes nobody else receives the message. So one that fails again is not received again here.
receive() {
  aws sqs receive-message --queue-url "$queue" --visibility-timeout 900 --wait-time-seconds 2 \
    --query 'Messages[0].[ReceiptHandle, Body]' --output json
}

while message=$(receive) && [ -n "$message" ] && [ "$message" != null ]; do
  receipt=$(printf %s "$message" | node -p 'JSON.parse(fs.readFileSync(0))[0]')
  # In a message of Lambda the event is `requestPayload`. A message of EventBridge Scheduler is the event itself.
  printf %s "$message" | node -p \
    'const body = JSON.parse(JSON.parse(fs.readFileSync(0))[1]); JSON.stringify(body.requestPayload ?? body)' >"$folder/event"
  error=$(aws lambda invoke --function-name "$function" --payload "fileb://$folder/event" --cli-read-timeout 900 \
    --query FunctionError --output text "$folder/result")
  echo "$(cat "$folder/event") -> $(cat "$folder/result")"
  if [ "$error" = None ]; then
    aws sqs delete-message --queue-url "$queue" --receipt-handle "$receipt"
  else
    echo "  failed again; the message stays in the queue"
  fi
done
