/** Ends a route from within: what `exit()` and `drop()` throw. Not an Error, so that no stack is made for it. */
export class RouteExit {
  constructor(readonly dropped: boolean) {}
}

export const EXIT = new RouteExit(false);
export const DROP = new RouteExit(true);
