// Times, as people say them. Pure: the time is an argument.

const STEPS = [
  [60, 1, 's'],
  [3600, 60, 'm'],
  [86_400, 3600, 'h'],
  [86_400 * 90, 86_400, 'd'],
  [Infinity, 86_400 * 30.44, 'mo'],
];

/** A number of seconds, as in `4m`. */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [, unit, letter] = STEPS.find(([below]) => whole < below);
  return `${Math.floor(whole / unit)}${letter}`;
}

/** How long ago, as in `4m ago`; what lies ahead, as in `in 4m`. Empty for what is no time. */
export function ago(time, now) {
  const then = Date.parse(time);
  if (Number.isNaN(then)) return '';
  const seconds = (now - then) / 1000;
  if (seconds < -5) return `in ${span(-seconds)}`;
  return seconds < 5 ? 'just now' : `${span(seconds)} ago`;
}

/** Exactly when, as in `2026-01-02 03:04:05 UTC`. */
export function exact(time) {
  const then = new Date(time);
  return Number.isNaN(then.getTime()) ? '' : `${then.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** The time of day in the reader's zone, as in `03:04:05`. */
export function clock(milliseconds) {
  const then = new Date(milliseconds);
  return [then.getHours(), then.getMinutes(), then.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}
