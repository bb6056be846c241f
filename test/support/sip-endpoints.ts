/**
 * Calling parties and gateways that share no code with the daemon: both are built on npm `sip`, so that what the two
 * sides agree on is the protocol and not a common mistake. UDP over IPv4; each needs an address of its own.
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
