/** The public API: all that nodes and other programs may import. No type of a dependency stands in it. */

export type { FollowListener, FollowOptions, GatewayAddress, GatewayEvent } from './client/gateway-client.ts';
export { GatewayClient } from './client/gateway-client.ts';
export type { LoadedConfig, Problem } from './config/load.ts';
export { ConfigError, formatProblem, loadConfig, parseConfig } from './config/load.ts';
export type {
  AlarmKind,
  AlarmRule,
  AlarmState,
  AlarmTransition,
  AssetAlarmState,
  Finding,
  Priority,
  StandingAlarm,
  Watching,
} from './core/alarm.ts';
export type { AlarmCommand, CommandVerb } from './core/control-row.ts';
export type { ErrorCode } from './core/errors.ts';
export { errorCodes, FettleError, isRetriable } from './core/errors.ts';
export type { Logger } from './core/logger.ts';
export type { Score } from './core/score.ts';
export type { InvalidReason, InvalidWindow } from './core/window.ts';
export type { FlowAlarmsOptions } from './flow/flow-alarms.ts';
export { FlowAlarms } from './flow/flow-alarms.ts';
export type { FlowModbusOptions, FlowModbusStatus, PolledSample } from './flow/flow-modbus.ts';
export { askModbusUnit, FlowModbus, readModbusOnce, tagsOfSheet } from './flow/flow-modbus.ts';
export type { FlowOutboxOptions, FlowOutboxStatus, InfluxdbTarget, OutgoingMessage } from './flow/flow-outbox.ts';
export { FlowOutbox } from './flow/flow-outbox.ts';
export type { FlowModel, FlowScore } from './flow/flow-scorer.ts';
export { FlowScorer, readModel } from './flow/flow-scorer.ts';
export type {
  FlowCandidate,
  FlowComparedModel,
  FlowComparison,
  FlowTrainerOptions,
  TrainProgress,
  TrainWish,
} from './flow/flow-trainer.ts';
export { FlowTrainer } from './flow/flow-trainer.ts';
export type { FlowInvalidWindow, FlowWindow, FlowWindowsOptions, FormedWindows } from './flow/flow-windows.ts';
export { FlowWindows } from './flow/flow-windows.ts';
export type { FlowSample, MessageHints, MessageSamples } from './flow/message-samples.ts';
export { samplesOfMessage } from './flow/message-samples.ts';
export type { FoundModel, ShelvedModel } from './flow/model-shelf.ts';
export { findModel, listModels } from './flow/model-shelf.ts';
export type { WatchListener, WatchOptions, WatchState } from './flow/watch.ts';
export { Watch } from './flow/watch.ts';
export type { GatewayOptions } from './gateway/gateway.ts';
export { Gateway, version } from './gateway/gateway.ts';
export type { GatewayListener } from './gateway/gateway-events.ts';
export type { GatewayStatus } from './gateway/status.ts';
