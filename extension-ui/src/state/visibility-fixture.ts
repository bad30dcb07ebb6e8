/** A page that specs hide and show. */
import type { Visibility } from "../api/page-visibility.js";

export interface FakeVisibility extends Visibility {
  readonly hide: () => void;
  readonly show: () => void;
}

export function fakeVisibility(): FakeVisibility {
  let isHidden = false;
  const listeners = new Set<() => void>();
  const become = (hidden: boolean): void => {
    isHidden = hidden;
    for (const listener of listeners) listener();
  };
  return {
    isHidden: () => isHidden,
    onChange: (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    hide: () => {
      become(true);
    },
    show: () => {
      become(false);
    },
  };
}
