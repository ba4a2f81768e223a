export { createLeaseTable } from "../store/dynamodb/create-table.js";
export { MemoryTable, type MemoryTableOptions } from "../store/memory/memory-table.js";
export {
  type DynamoDBLocal,
  type DynamoDBLocalOptions,
  LocalTableUnavailableError,
  startDynamoDBLocal,
} from "./dynamodb-local.js";
export { ManualClock } from "./manual-clock.js";
