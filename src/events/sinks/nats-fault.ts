import { ErrorCode, NatsError } from 'nats';
import { messageOf } from '../../core/errors.js';

/** Error code of the server's API for a message larger than its stream takes. */
const MESSAGE_EXCEEDS_MAXIMUM = 10054;

/** Why something failed, in words: the messages of the client are mostly its codes. */
export function natsReason(error: unknown): string {
  if (!(error instanceof NatsError)) return messageOf(error);
  if (error.chainedError !== undefined) return messageOf(error.chainedError);
  switch (error.code) {
    case ErrorCode.NoResponders:
      return 'nobody answers (503): JetStream is off, or no stream takes the subject';
    case ErrorCode.Timeout:
      return 'no answer in time';
    case ErrorCode.MaxPayloadExceeded:
      return 'larger than the max_payload of the server';
    default:
      return error.api_error?.description ?? error.message;
  }
}

/** Whether the server will never take this message, however often it is sent. */
export function isTooLarge(error: unknown): boolean {
  if (!(error instanceof NatsError)) return false;
  return error.code === ErrorCode.MaxPayloadExceeded || error.api_error?.err_code === MESSAGE_EXCEEDS_MAXIMUM;
}

/** Whether the server says that this user may not do that, now or later. */
export function isRefusal(error: unknown): boolean {
  return error instanceof NatsError && error.code === ErrorCode.PermissionsViolation;
}

/** Whether no subscriber, and no stream, receives a message. */
export function isNoResponder(error: unknown): boolean {
  return error instanceof NatsError && error.code === ErrorCode.NoResponders;
}
