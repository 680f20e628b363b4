// What keys and clicks do: `/` searches, arrows and j/k move along the table, Enter opens.

import { to } from './route.js';
import { move } from './rows.js';

/** What the table, the search and the document call. */
export function keys({ state, rows, go, drawNow, draw }) {
  /** Gives the focus to a row, wherever it is. */
  function stand(index) {
    const all = rows();
    if (all.length === 0) return;
    state.active = all[index].key;
    show(index);
    drawNow();
    row(state.active)?.focus({ preventScroll: true });
  }

  /** Scrolls as little as it takes to see a row. */
  function show(index) {
    const element = document.getElementById('window');
    const { height, row: each } = state.scroll;
    const begin = index * each;
    if (begin < element.scrollTop) element.scrollTop = begin;
    else if (begin + each > element.scrollTop + height) element.scrollTop = begin + each - height;
    state.scroll = { ...state.scroll, top: element.scrollTop };
  }

  function row(key) {
    return document.querySelector(`#window [data-key="${CSS.escape(key)}"]`);
  }

  function index() {
    return Math.max(0, rows().findIndex((one) => one.key === state.active));
  }

  return {
    scrolled(event) {
      state.scroll = { ...state.scroll, top: event.currentTarget.scrollTop };
      draw();
    },
    focused(event) {
      const key = event.target.closest('[data-key]')?.dataset.key;
      if (key) state.active = key;
    },
    opened(event, key) {
      // A link does it itself, and who marks text does not want to leave.
      if (event.target.closest('a') || !getSelection().isCollapsed) return;
      if (event.metaKey || event.ctrlKey) window.open(to('service', key), '_blank', 'noopener');
      else go(to('service', key));
    },
    pressed(event) {
      if (event.metaKey || event.ctrlKey || event.altKey) return;
      const total = rows().length;
      if (event.key === 'Enter') {
        if (total > 0) go(to('service', rows()[index()].key));
      } else {
        const next = move(event.key, index(), total, Math.max(1, Math.floor(state.scroll.height / state.scroll.row) - 1));
        if (next === null) return;
        stand(next);
      }
      event.preventDefault();
    },
    searching(event) {
      if (event.key === 'ArrowDown' || event.key === 'Enter') {
        event.preventDefault();
        stand(0);
      } else if (event.key === 'Escape' && event.target.value === '') event.target.blur();
    },
    anywhere(event) {
      if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
      if (event.target.closest?.('input, textarea, select')) return;
      if (event.key === '/') {
        event.preventDefault();
        if (state.route.view !== 'overview') go('/');
        document.getElementById('search')?.focus();
      } else if ((event.key === 'j' || event.key === 'k') && state.route.view === 'overview') {
        event.preventDefault();
        stand(index());
      }
    },
  };
}
