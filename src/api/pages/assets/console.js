// The console of those who review: which view is shown, by the address behind the number sign.

import { session } from './api.js';
import { byId } from './dom.js';
import { onSignedOut, signIn, signedIn } from './signin.js';
import { verificationList, verificationView } from './verifications.js';
import { watchlistList, watchlistView } from './watchlists.js';

const VIEWS = {
  verifications: { list: verificationList, one: verificationView, title: 'Reviews' },
  watchlists: { list: watchlistList, one: watchlistView, title: 'Watchlists' },
};

const place = byId('view');

function begin(problem) {
  signIn(place, { lead: 'Reading takes the scope “verify”, deciding “review”, and lists “watchlist:read” and “watchlist:write”.', done: route, problem });
}

function route() {
  if (!session.token) {
    begin();
    return;
  }
  const [, name, id] = window.location.hash.split('/');
  const view = VIEWS[name] ?? VIEWS.verifications;
  for (const link of document.querySelectorAll('nav [data-view]')) {
    if (VIEWS[link.dataset.view] === view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${view.title} · Likeness`;
  if (id) view.one(place, decodeURIComponent(id));
  else view.list(place);
}

onSignedOut(begin);
window.addEventListener('hashchange', route);
if (session.token) signedIn();
route();
