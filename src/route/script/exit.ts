/** Ends a route from within: what `exit()` and `drop()` throw. Not an Error, so that no stack is made for it. */
export class RouteExit {
  constructor(readonly dropped: boolean) {}
}

/** Thrown by exit(): the route ends here. */
export const EXIT = new RouteExit(false);
/** Thrown by drop(): the route ends here, and the message goes nowhere. */
export const DROP = new RouteExit(true);
