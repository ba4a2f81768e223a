# A lease table of incumbent, and a job that runs on a schedule, in one Region.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

variable "table_name" {
  type        = string
  description = "The lease table"
  default     = "incumbent"
}

variable "alarm_topic_arn" {
  type        = string
  description = "The SNS topic that the alarms notify"
}

variable "election" {
  type        = string
  description = "The job's election"
  default     = "reports/daily"
}

variable "schedule" {
  type        = string
  description = "When the job runs, a cron expression"
  default     = "cron(0 3 * * ? *)"

  validation {
    condition     = can(regex("^cron\\(.+\\)$", var.schedule))
    error_message = "The schedule must be cron(...); docs/without-cdk.md says what else to change for a rate."
  }
}

variable "time_zone" {
  type        = string
  description = "The time zone of the schedule"
  default     = "Etc/UTC"
}

variable "name" {
  type        = string
  description = "The names of the function and of the alarms begin with it"
  default     = "reports-daily"
}

variable "code" {
  type        = string
  description = "The zip file of the folder with the job's index.mjs"
  default     = "job.zip"
}

resource "aws_dynamodb_table" "lease_table" {
  name                        = var.table_name
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = true
  hash_key                    = "pk"
  range_key                   = "sk"

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = false
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "job_logs" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = 30
}

resource "aws_iam_role" "job_role" {
  assume_role_policy = jsonencode({
    Statement = [
      {
        Action = "sts:AssumeRole"
        Effect = "Allow"
        Principal = {
          Service = "lambda.amazonaws.com"
        }
      },
    ]
    Version = "2012-10-17"
  })
}

resource "aws_iam_role_policy" "job_role_default_policy" {
  role = aws_iam_role.job_role.name
  policy = jsonencode({
    Statement = [
      {
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Effect   = "Allow"
        Resource = "${aws_cloudwatch_log_group.job_logs.arn}:*"
      },
      {
        Action = ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query", "dynamodb:ConditionCheckItem"]
        Condition = {
          "ForAllValues:StringEquals" = {
            "dynamodb:LeadingKeys" = [var.election]
          }
          Null = {
            "dynamodb:LeadingKeys" = "false"
          }
        }
        Effect   = "Allow"
        Resource = aws_dynamodb_table.lease_table.arn
      },
      {
        Action = ["dynamodb:UpdateItem", "dynamodb:Query", "dynamodb:DeleteItem"]
        Condition = {
          "ForAllValues:StringEquals" = {
            "dynamodb:LeadingKeys" = ["${var.election}#candidates"]
          }
          Null = {
            "dynamodb:LeadingKeys" = "false"
          }
        }
        Effect   = "Allow"
        Resource = aws_dynamodb_table.lease_table.arn
      },
      {
        Action = ["dynamodb:GetItem", "dynamodb:ConditionCheckItem"]
        Condition = {
          "ForAllValues:StringLike" = {
            "dynamodb:LeadingKeys" = ["floor#*"]
          }
          Null = {
            "dynamodb:LeadingKeys" = "false"
          }
        }
        Effect   = "Allow"
        Resource = aws_dynamodb_table.lease_table.arn
      },
      {
        Action   = ["sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
        Effect   = "Allow"
        Resource = aws_sqs_queue.job_dead_letters.arn
      },
    ]
    Version = "2012-10-17"
  })
}

resource "aws_lambda_function" "job_function" {
  function_name    = var.name
  filename         = var.code
  source_code_hash = filebase64sha256(var.code)
  architectures    = ["arm64"]
  description      = "Runs only as leader of its election"
  handler          = "index.handler"
  memory_size      = 256
  role             = aws_iam_role.job_role.arn
  runtime          = "nodejs24.x"
  timeout          = 60
  depends_on       = [aws_iam_role_policy.job_role_default_policy]

  environment {
    variables = {
      NODE_OPTIONS       = "--enable-source-maps"
      INCUMBENT_TABLE    = aws_dynamodb_table.lease_table.name
      INCUMBENT_ELECTION = var.election
      INCUMBENT_ONCE     = "tick"
    }
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.job_logs.name
  }
}

resource "aws_lambda_function_event_invoke_config" "job_function_event_invoke_config" {
  function_name                = aws_lambda_function.job_function.function_name
  maximum_event_age_in_seconds = 3600
  maximum_retry_attempts       = 2
  qualifier                    = "$LATEST"

  destination_config {
    on_failure {
      destination = aws_sqs_queue.job_dead_letters.arn
    }
  }
}

resource "aws_sqs_queue" "job_dead_letters" {
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "job_dead_letters_policy" {
  queue_url = aws_sqs_queue.job_dead_letters.url
  policy = jsonencode({
    Statement = [
      {
        Action = "sqs:*"
        Condition = {
          Bool = {
            "aws:SecureTransport" = "false"
          }
        }
        Effect = "Deny"
        Principal = {
          AWS = "*"
        }
        Resource = aws_sqs_queue.job_dead_letters.arn
      },
    ]
    Version = "2012-10-17"
  })
}

resource "aws_scheduler_schedule" "job_schedule" {
  description                  = "Runs the leader of ${var.election}"
  schedule_expression          = var.schedule
  schedule_expression_timezone = var.time_zone
  state                        = "ENABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    input    = "{\"scheduledTime\":\"<aws.scheduler.scheduled-time>\",\"executionId\":\"<aws.scheduler.execution-id>\",\"attempt\":\"<aws.scheduler.attempt-number>\"}"
    arn      = aws_lambda_function.job_function.arn
    role_arn = aws_iam_role.job_scheduler_role.arn

    dead_letter_config {
      arn = aws_sqs_queue.job_dead_letters.arn
    }

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 185
    }
  }
}

resource "aws_iam_role" "job_scheduler_role" {
  description = "Lets EventBridge Scheduler invoke one function"
  assume_role_policy = jsonencode({
    Statement = [
      {
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.current.account_id
            "aws:SourceArn"     = "arn:${data.aws_partition.current.partition}:scheduler:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:schedule-group/default"
          }
        }
        Effect = "Allow"
        Principal = {
          Service = "scheduler.amazonaws.com"
        }
      },
    ]
    Version = "2012-10-17"
  })
}

resource "aws_iam_role_policy" "job_scheduler_role_default_policy" {
  role = aws_iam_role.job_scheduler_role.name
  policy = jsonencode({
    Statement = [
      {
        Action   = "lambda:InvokeFunction"
        Effect   = "Allow"
        Resource = aws_lambda_function.job_function.arn
      },
      {
        Action   = ["sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
        Effect   = "Allow"
        Resource = aws_sqs_queue.job_dead_letters.arn
      },
    ]
    Version = "2012-10-17"
  })
}

resource "aws_cloudwatch_metric_alarm" "job_alarms_errors" {
  alarm_name          = "${var.name}-job-alarms-errors"
  alarm_actions       = [var.alarm_topic_arn]
  alarm_description   = "A run failed. Lambda tries it again."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 1
  metric_name         = "Errors"
  namespace           = "AWS/Lambda"
  period              = 300
  statistic           = "Sum"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  dimensions = {
    FunctionName = aws_lambda_function.job_function.function_name
  }
  ok_actions = [var.alarm_topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "job_alarms_throttles" {
  alarm_name          = "${var.name}-job-alarms-throttles"
  alarm_actions       = [var.alarm_topic_arn]
  alarm_description   = "Lambda delayed a run."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 1
  metric_name         = "Throttles"
  namespace           = "AWS/Lambda"
  period              = 300
  statistic           = "Sum"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  dimensions = {
    FunctionName = aws_lambda_function.job_function.function_name
  }
  ok_actions = [var.alarm_topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "job_alarms_dead_letters" {
  alarm_name          = "${var.name}-job-alarms-dead-letters"
  alarm_actions       = [var.alarm_topic_arn]
  alarm_description   = "A run failed for good: its event is in the dead-letter queue."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 1
  metric_name         = "ApproximateNumberOfMessagesVisible"
  namespace           = "AWS/SQS"
  period              = 300
  statistic           = "Maximum"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  dimensions = {
    QueueName = aws_sqs_queue.job_dead_letters.name
  }
  ok_actions = [var.alarm_topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "job_alarms_superseded_ticks" {
  alarm_name          = "${var.name}-job-alarms-superseded-ticks"
  alarm_actions       = [var.alarm_topic_arn]
  alarm_description   = "A later tick has completed before this one: it does not run any more."
  comparison_operator = "GreaterThanOrEqualToThreshold"
  evaluation_periods  = 1
  metric_name         = "SupersededTicks"
  namespace           = "Incumbent"
  period              = 300
  statistic           = "Sum"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  dimensions = {
    Election = var.election
    Table    = aws_dynamodb_table.lease_table.name
  }
  ok_actions = [var.alarm_topic_arn]
}

output "table_name" {
  value = aws_dynamodb_table.lease_table.name
}

output "table_arn" {
  value = aws_dynamodb_table.lease_table.arn
}

output "job_function" {
  value = aws_lambda_function.job_function.function_name
}

output "job_dead_letters" {
  value = aws_sqs_queue.job_dead_letters.url
}
