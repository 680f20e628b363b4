// Pages that say one thing and what to do about it: logging in, no access, nothing here. Pure.

import { h } from './h.js';
import { icon } from './icons.js';
import { command } from './parts.js';

/** The way in, where a token is asked for. */
export function login({ wrong, busy }, act) {
  return h(
    'main',
    { class: 'notice', id: 'main', key: 'login' },
    h('h1', { tabindex: '-1' }, icon('mark'), ' Gitmoor'),
    h('p', null, 'This page shows what your Kubernetes account may read. Log in with a token of it; the daemon asks the API server whose it is, and keeps it in this browser only, as a cookie that scripts cannot read.'),
    h(
      'form',
      { onsubmit: act.login },
      h('label', { for: 'token' }, 'Token'),
      h('textarea', { id: 'token', name: 'token', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off', required: true, 'aria-describedby': wrong ? 'wrong' : null, 'aria-invalid': wrong ? 'true' : null }),
      wrong && h('p', { id: 'wrong', class: 'bad', role: 'alert' }, icon('cross'), ' ', wrong),
      h('button', { class: 'button main', disabled: busy, type: 'submit' }, busy ? 'Checking …' : 'Log in'),
    ),
    h('p', { class: 'muted' }, 'For a token of a ServiceAccount that may read MicroServices:'),
    command('kubectl create token NAME --namespace NAMESPACE', act, 'Make a token'),
  );
}

/** Who is known to nobody, where a proxy should have said who it is; and what the daemon says of that. */
export function unnamed(refusal) {
  return notice(
    'Nobody said who you are',
    'This page is behind a proxy that logs people in and says who they are. Either you came here past it, or it did not prove itself to Gitmoor. Open the page by the proxy’s address.',
    'If that is what you did, this is for whoever runs it:',
    refusal && [refusal.message, refusal.code && ` (gitmoor explain ${refusal.code})`],
  );
}

/** Who is known and may not. */
export function forbidden(message) {
  return notice('You may not see this', message, 'Ask for the right to get microservices.gitmoor.dev in your namespace; this shows whether you have it:', 'kubectl auth can-i get microservices.gitmoor.dev --namespace NAMESPACE');
}

/** Nothing at this address. */
export function missing(what) {
  return notice('There is nothing here', what, h('a', { href: '/' }, 'To the overview'));
}

function notice(title, first, second, words) {
  return h('div', { class: 'notice', key: `notice ${title}` }, h('h1', { tabindex: '-1' }, title), h('p', null, first), h('p', null, second), words && h('p', null, h('code', null, ...[words].flat())));
}
