export type { AlarmChoice, AlarmChoices } from "./alarms.js";
export { ElectionMonitor, type ElectionMonitorProps } from "./election-monitor/election-monitor.js";
export type {
  ElectionAlarmName,
  ElectionAlarms,
  MonitorAlarmName,
  MonitorAlarms,
  WatchedElection,
} from "./election-monitor/monitor-alarms.js";
export type { ElectionMetric, MonitorMetrics } from "./election-monitor/monitor-metrics.js";
export { IncumbentStack, type IncumbentStackProps, type JobProps } from "./incumbent-stack.js";
export { InvalidPropError } from "./invalid-prop.js";
export { EVENT_SOURCE, LEADER_ELECTED, LEADERSHIP_ENDED } from "./leader-changes/leader-change-filters.js";
export {
  LeaderChanges,
  type LeaderChangesProps,
  type OnLeaderChangeOptions,
} from "./leader-changes/leader-changes.js";
export type { PipeAlarmName, PipeAlarms } from "./leader-changes/pipe-alarms.js";
export type { BundledFunctionProps, FunctionProps } from "./leader-function/function-props.js";
export type { LeaseTableAttributes } from "./lease-table/existing-lease-table.js";
export type { ILeaseTable } from "./lease-table/i-lease-table.js";
export { LeaseTable, type LeaseTableProps } from "./lease-table/lease-table.js";
export type { JobAlarmName, JobAlarms } from "./scheduled-leader/job-alarms.js";
export type { RetryProps } from "./scheduled-leader/retries.js";
export { ScheduledLeader } from "./scheduled-leader/scheduled-leader.js";
export type { ScheduledLeaderProps } from "./scheduled-leader/scheduled-leader-props.js";
export type { StickyProps } from "./scheduled-leader/sticky.js";
