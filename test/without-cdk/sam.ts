import type { Json, Plain } from "../cdk/plain-template.js";

/**
 * The job's template for the Serverless Application Model: SAM packs the code, and has a shorter form of the schedule and
 * of the retries. test/deploy compares what SAM's own translator makes of it with the template.
 */
export function samOf({
  Parameters,
  Resources,
  Description,
  Outputs,
  AWSTemplateFormatVersion,
}: Plain): Json {
  const { CodeBucket: _, CodeKey: __, ...parameters } = Parameters;
  const { JobFunction, JobFunctionEventInvokeConfig, JobSchedule, ...others } = Resources;
  const { Code: ___, ...job } = propertiesOf(JobFunction);
  const { FunctionName, Qualifier, DestinationConfig, ...retries } = propertiesOf(
    JobFunctionEventInvokeConfig,
  );
  const { OnFailure } = DestinationConfig as { OnFailure: Json };
  const { Target, ...times } = propertiesOf(JobSchedule);
  const { Arn, ...target } = Target as Json;
  return {
    AWSTemplateFormatVersion,
    Transform: "AWS::Serverless-2016-10-31",
    Description,
    Parameters: parameters,
    Resources: {
      ...others,
      JobFunction: {
        Type: "AWS::Serverless::Function",
        // The code is bundled already.
        Metadata: { SkipBuild: true },
        DependsOn: JobFunction?.DependsOn,
        Properties: {
          CodeUri: "job/",
          ...job,
          EventInvokeConfig: {
            ...retries,
            DestinationConfig: { OnFailure: { Type: "SQS", ...OnFailure } },
          },
          Events: {
            Schedule: { Type: "ScheduleV2", Properties: { OmitName: true, ...times, ...target } },
          },
        },
      },
    },
    Outputs,
  };
}

function propertiesOf(resource: Json | undefined): Json {
  return resource?.Properties as Json;
}
