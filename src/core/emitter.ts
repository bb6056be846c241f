/** The listeners for one kind of event. When one throws, the others are still called. */
export class Emitter<T> {
  private listeners: ((value: T) => void)[] = [];

  constructor(private readonly onListenerError: (error: unknown) => void = () => {}) {}

  /** Adds a listener; the returned function removes it. */
  on(listen: (value: T) => void): () => void {
    this.listeners = [...this.listeners, listen];
    return () => {
      this.listeners = this.listeners.filter((each) => each !== listen);
    };
  }

  /**
   * Calls all listeners in the order of their registration. One that throws is reported, and the others are still
   * called.
   */
  emit(value: T): void {
    for (const listen of this.listeners) {
      try {
        listen(value);
      } catch (error) {
        this.onListenerError(error);
      }
    }
  }
}
