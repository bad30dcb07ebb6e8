/** Whether anybody sees the page: hidden tabs ask for nothing and hold no connection. */

export interface Visibility {
  readonly isHidden: () => boolean;
  /** Returns how to stop. */
  readonly onChange: (changed: () => void) => () => void;
}

export const pageVisibility: Visibility = {
  isHidden: () => document.hidden,
  onChange: (changed) => {
    document.addEventListener("visibilitychange", changed);
    return () => {
      document.removeEventListener("visibilitychange", changed);
    };
  },
};
