import { messageOf } from '../../core/errors.js';
import { nats } from './nats-package.js';

/** Error code of the server's API for a message larger than its stream takes. */
const MESSAGE_EXCEEDS_MAXIMUM = 10054;

/** Why something failed, in words: the messages of the client are mostly its codes. */
export function natsReason(error: unknown): string {
  if (!(error instanceof nats().NatsError)) return messageOf(error);
  if (error.chainedError !== undefined) return messageOf(error.chainedError);
  switch (error.code) {
    case nats().ErrorCode.NoResponders:
      return 'nobody answers (503): JetStream is off, or no stream takes the subject';
    case nats().ErrorCode.Timeout:
      return 'no answer in time';
    case nats().ErrorCode.MaxPayloadExceeded:
      return 'larger than the max_payload of the server';
    default:
      return error.api_error?.description ?? error.message;
  }
}

/** Whether the server will never take this message, however often it is sent. */
export function isTooLarge(error: unknown): boolean {
  if (!(error instanceof nats().NatsError)) return false;
  return error.code === nats().ErrorCode.MaxPayloadExceeded || error.api_error?.err_code === MESSAGE_EXCEEDS_MAXIMUM;
}

/** Whether the server says that this user may not do that, now or later. */
export function isRefusal(error: unknown): boolean {
  return error instanceof nats().NatsError && error.code === nats().ErrorCode.PermissionsViolation;
}

/** Whether no subscriber, and no stream, receives a message. */
export function isNoResponder(error: unknown): boolean {
  return error instanceof nats().NatsError && error.code === nats().ErrorCode.NoResponders;
}
