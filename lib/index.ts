export type { AlarmChoice, AlarmChoices } from "./alarms.js";
export { ElectionMonitor, type ElectionMonitorProps } from "./election-monitor.js";
export type { LeaseTableAttributes } from "./existing-lease-table.js";
export type { BundledFunctionProps, FunctionProps } from "./function-props.js";
export type { ILeaseTable } from "./i-lease-table.js";
export { IncumbentStack, type IncumbentStackProps, type JobProps } from "./incumbent-stack.js";
export { InvalidPropError } from "./invalid-prop.js";
export type { JobAlarmName, JobAlarms } from "./job-alarms.js";
export { EVENT_SOURCE, LEADER_ELECTED, LEADERSHIP_ENDED } from "./leader-change-filters.js";
export { LeaderChanges, type LeaderChangesProps, type OnLeaderChangeOptions } from "./leader-changes.js";
export { LeaseTable, type LeaseTableProps } from "./lease-table.js";
export type {
  ElectionAlarmName,
  ElectionAlarms,
  MonitorAlarmName,
  MonitorAlarms,
  WatchedElection,
} from "./monitor-alarms.js";
export type { ElectionMetric, MonitorMetrics } from "./monitor-metrics.js";
export type { PipeAlarmName, PipeAlarms } from "./pipe-alarms.js";
export { ScheduledLeader } from "./scheduled-leader.js";
export type { RetryProps, ScheduledLeaderProps, StickyProps } from "./scheduled-leader-props.js";
