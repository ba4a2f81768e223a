export {
  type DynamoDBLocal,
  type DynamoDBLocalOptions,
  LocalTableUnavailableError,
  startDynamoDBLocal,
} from "./dynamodb-local.js";
export { ManualClock } from "./manual-clock.js";
export { createLeaseTable } from "./store/create-table.js";
export { MemoryTable, type MemoryTableOptions } from "./store/memory.js";
