/** Thrown by `exit()` and `drop()` to end a route. It is not an Error, so that no stack trace is made for it. */
export class RouteExit {
  constructor(readonly dropped: boolean) {}
}

/** Thrown by exit(): the route ends here. */
export const EXIT = new RouteExit(false);
/** Thrown by drop(): the route ends here, and the message is not sent. */
export const DROP = new RouteExit(true);
