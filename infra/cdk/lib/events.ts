// What becomes of builds: events, a sweep for those that get lost, and alarms.

import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as events from 'aws-cdk-lib/aws-events';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { pattern } from './documents';
import { makeRole } from './functions';
import type { Site } from './site';
import type { Queues } from './storage';

/** EventBridge takes no pattern with an empty list: a rule for each engine that is used. */
export function makeRules({ scope, naming, names }: Site, reports: sqs.Queue): void {
  if (names['CodeBuildProjectNames']?.length) {
    makeRule(
      scope,
      'CodeBuildRule',
      naming.codeBuildRule,
      'What becomes of builds',
      pattern('codebuild', names),
      reports,
    );
  }
  if (names['PipelineNames']?.length) {
    makeRule(
      scope,
      'CodePipelineRule',
      naming.codePipelineRule,
      'What becomes of executions',
      pattern('codepipeline', names),
      reports,
    );
  }
}

function makeRule(
  scope: Construct,
  id: string,
  name: string,
  description: string,
  eventPattern: Record<string, unknown>,
  reports: sqs.Queue,
): void {
  new events.CfnRule(scope, id, {
    name,
    description,
    eventPattern,
    targets: [{ id: 'reports', arn: reports.queueArn }],
  });
}

/** Events can get lost: every open build is looked up now and then. */
export function makeSweep(site: Site, report: lambda.Function): void {
  const { scope, naming } = site;
  const { role, rights } = makeRole(site, { id: 'Sweep', name: 'sweep', trust: 'trust-sweep' });
  const schedule = new scheduler.CfnSchedule(scope, 'SweepSchedule', {
    name: `${naming.prefix}-sweep`,
    description: 'Looks up what no event has told',
    scheduleExpression: 'rate(15 minutes)',
    flexibleTimeWindow: { mode: 'OFF' },
    target: {
      arn: report.functionArn,
      roleArn: role.roleArn,
      input: JSON.stringify({ type: 'sweep' }),
      // The next one comes anyway.
      retryPolicy: { maximumRetryAttempts: 0 },
    },
  });
  schedule.addResourceDependency(rights);
}

/** What the alarms watch. */
export interface Watched {
  readonly requests: Queues;
  readonly reports: Queues;
  readonly trigger: lambda.Function;
  readonly report: lambda.Function;
}

interface Alarm {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly metric: cloudwatch.Metric;
  readonly threshold: number;
}

/** Dead letters, errors, and messages that wait too long. */
export function makeAlarms({ scope, props, naming }: Site, watched: Watched): cloudwatch.Alarm[] {
  return alarmsOf(watched).map(({ id, name, description, metric, threshold }) => {
    const alarm = new cloudwatch.Alarm(scope, id, {
      alarmName: `${naming.prefix}-${name}`,
      alarmDescription: description,
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    if (props.alarmTopic) alarm.addAlarmAction(new SnsAction(props.alarmTopic));
    return alarm;
  });
}

function alarmsOf({ requests, reports, trigger, report }: Watched): Alarm[] {
  return [
    {
      id: 'RequestsDeadLettersAlarm',
      name: 'requests-dead',
      description: 'A request was given up; its message and the log of trigger say why',
      metric: visible(requests.deadLetters),
      threshold: 0,
    },
    {
      id: 'ReportsDeadLettersAlarm',
      name: 'reports-dead',
      description: 'A report was given up; its message and the log of report say why',
      metric: visible(reports.deadLetters),
      threshold: 0,
    },
    {
      id: 'TriggerErrorsAlarm',
      name: 'trigger-errors',
      description: 'trigger failed; its log says why',
      metric: errors(trigger),
      threshold: 0,
    },
    {
      id: 'ReportErrorsAlarm',
      name: 'report-errors',
      description: 'report failed; its log says why',
      metric: errors(report),
      threshold: 0,
    },
    {
      id: 'RequestsAgeAlarm',
      name: 'requests-age',
      description: 'A request has waited for more than an hour',
      metric: age(requests.queue),
      threshold: 3600,
    },
    {
      id: 'ReportsAgeAlarm',
      name: 'reports-age',
      description: 'Pagure has taken no report for a day',
      metric: age(reports.queue),
      threshold: 86_400,
    },
  ];
}

const PERIOD = Duration.minutes(5);

function visible(queue: sqs.Queue): cloudwatch.Metric {
  return queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period: PERIOD });
}

function age(queue: sqs.Queue): cloudwatch.Metric {
  return queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', period: PERIOD });
}

function errors(fn: lambda.Function): cloudwatch.Metric {
  return fn.metricErrors({ statistic: 'Sum', period: PERIOD });
}
