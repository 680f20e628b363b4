// The shapes that stand beside words. Each state has a shape of its own, so that colour alone never tells two apart.

import { h } from './h.js';

const PATHS = {
  mark: 'M12 4.2a2 2 0 1 0 0 4 2 2 0 0 0 0-4M12 8.2V20M8 11.5h8M4.5 14.5C5 18 8.2 20 12 20s7-2 7.5-5.5',
  check: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8 12.3l2.7 2.7L16 9.5',
  cross: 'M8.2 3h7.6L21 8.2v7.6L15.8 21H8.2L3 15.8V8.2zM9 9l6 6M15 9l-6 6',
  turning: 'M20 12a8 8 0 1 1-2.5-5.8M20 3.5v4h-4',
  pause: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M10 9v6M14 9v6',
  question: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M9.7 9.5a2.4 2.4 0 1 1 3.5 2.2c-.8.4-1.2.9-1.2 1.8M12 16.6v.1',
  leaving: 'M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7',
  drift: 'M5 9.5h14M5 14.5h14M15.5 5l-7 14',
  hold: 'M6.5 11h11v9h-11zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  warning: 'M12 4 2.8 19.5h18.4zM12 10v4.5M12 17v.1',
  commit: 'M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M2.5 12h6M15.5 12h6',
  rollout: 'M12 3 3.5 7.5 12 12l8.5-4.5zM3.5 12 12 16.5 20.5 12M3.5 16.5 12 21l8.5-4.5',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5 20 20',
  copy: 'M9 9h11v11H9zM5.5 15H4V4h11v1.5',
  pulse: 'M3 12h4l2.5-6 5 12 2.5-6h4',
  broken: 'M4 4l16 16M8.5 8.5 6 11a4 4 0 0 0 5.7 5.7l1-1M15.5 15.5 18 13a4 4 0 0 0-5.7-5.7l-1 1',
  fight: 'M4 4l12 12M20 4 8 16M4 20l3-3M20 20l-3-3',
  back: 'M10 6l-6 6 6 6M4 12h16',
};

/** A shape, silent to screen readers: a word beside it says the same. */
export function icon(name) {
  return h('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' }, h('path', { d: PATHS[name] }));
}
