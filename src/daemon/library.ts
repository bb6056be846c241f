/** Exports of the package from folders that the public entry point does not import itself. */

export { countDestinations } from '../engine/count.js';
export type { Destination, DestinationRow, Health, HealthState, ResolvedAddress } from '../engine/destination.js';
export type { DispatchContext } from '../engine/dispatch-context.js';
export { Engine, type EngineOptions } from '../engine/engine.js';
export { dispatcherHash } from '../engine/hash.js';
export { findInList, type InListQuery } from '../engine/in-list.js';
export { ALGORITHMS } from '../engine/opensips/algorithms/list.js';
export type { PartitionOptions } from '../engine/options.js';
export type { LoadReport, Partition } from '../engine/partition.js';
export type { RequestView } from '../engine/request-view.js';
export { parseSelectArguments, type SelectArguments } from '../engine/select-arguments.js';
export type { SelectTarget } from '../engine/selection.js';
export type { DestinationSet, Snapshot } from '../engine/set.js';
export type { StateChange, StateSignal, StateTable } from '../engine/state.js';
export type { DispatcherEvent } from '../events/event.js';
export type { PvarValue } from '../pvar/context.js';
export type { AlgoRoute } from '../route/script/algo-route.js';
export type { BranchRoute } from '../route/script/branch-route.js';
export type { EventRoute } from '../route/script/event-route.js';
export type { FailureRoute } from '../route/script/failure-route.js';
export type { LocalRoute } from '../route/script/local-route.js';
export type { ReplyRoute } from '../route/script/reply-route.js';
export type { RequestRoute } from '../route/script/request-route.js';
export { defineRoutes, type ScriptRoutes } from '../route/script/routes.js';
