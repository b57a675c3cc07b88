/** What a Modbus source counts, for status and metrics. */
export class ModbusCounters {
  requests = 0;
  replies = 0;
  timeouts = 0;
  exceptions = 0;
  framing = 0;
  /** Answers after their timeout. */
  lateReplies = 0;
  /** Connections after the first. */
  reconnects = 0;
  /** Polls not begun because the one before, or the gateway, was not done. */
  lateCycles = 0;
  /** Good ones. */
  samples = 0;
  badSamples = 0;
  /** Merged requests halved because the device refused them. */
  splits = 0;
  /** Values the device does not have, at present. */
  quarantined = 0;
}
