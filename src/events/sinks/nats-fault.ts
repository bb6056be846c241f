import { messageOf } from '../../core/errors.js';
import { nats } from './nats-package.js';

/** Error code of the server's API: the message is larger than the stream allows. */
const MESSAGE_EXCEEDS_MAXIMUM = 10054;

/** The reason of an error in words, since the client's messages are mostly codes. */
export function natsReason(error: unknown): string {
  if (!(error instanceof nats().NatsError)) return messageOf(error);
  if (error.chainedError !== undefined) return messageOf(error.chainedError);
  switch (error.code) {
    case nats().ErrorCode.NoResponders:
      return 'no responders (503): JetStream is off, or no stream has the subject';
    case nats().ErrorCode.Timeout:
      return 'no answer in time';
    case nats().ErrorCode.MaxPayloadExceeded:
      return 'larger than the max_payload of the server';
    default:
      return error.api_error?.description ?? error.message;
  }
}

/** Whether the server will always refuse this message because of its size. */
export function isTooLarge(error: unknown): boolean {
  if (!(error instanceof nats().NatsError)) return false;
  return error.code === nats().ErrorCode.MaxPayloadExceeded || error.api_error?.err_code === MESSAGE_EXCEEDS_MAXIMUM;
}

/** Whether the server refused because this user lacks a permission. */
export function isRefusal(error: unknown): boolean {
  return error instanceof nats().NatsError && error.code === nats().ErrorCode.PermissionsViolation;
}

/** Whether neither a subscriber nor a stream receives the message. */
export function isNoResponder(error: unknown): boolean {
  return error instanceof nats().NatsError && error.code === nats().ErrorCode.NoResponders;
}
