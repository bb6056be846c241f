/**
 * Callers and gateways that share no code with the daemon: both use npm `sip`, so that two sides with the same error do
 * not agree with each other. UDP over IPv4; each needs its own address.
 */
export {
  Caller,
  type CallerOptions,
  type CallOptions,
  type CallResult,
  type RequestResult,
  startCaller,
} from './sip-caller.js';
export { type Answer, type AnswerPlan, Gateway, type GatewayOptions, startGateway } from './sip-gateway.js';
