// Lists of the collection at hand that come in pages.

import {current, onCollection} from './collection.js';
import {at, show} from './dom.js';
import {keepFocus} from './focus.js';
import {attempt} from './messages.js';
import {turns} from './turns.js';

/**
 * Return a list that comes in pages. It has only what the collection at hand has: an answer is
 * dropped if the list was asked for again, the view was left or another collection was chosen.
 *
 * @param list the id of the list; `more` that of the button for the next page, `busy` that of what
 *   is shown while an empty list is asked for, if any.
 * @param ask returns the `items` of a page and the token of the `next` one; called with the token
 *   of the page, null for the first.
 * @param present shows what else the answer says.
 * @param clear takes that back.
 * @param place puts items into the list; called with them, and whether they are the first page.
 * @param otherwise what gets the focus if the item that had it is gone and no other is left.
 */
export function pagedList({list, more, busy, ask, present = () => {}, clear = () => {}, place = putInto(list), otherwise}) {
  const {begin, end} = turns();
  let mine = begin();
  let first = Promise.resolve(); // the last request for the first page
  let next = null;
  let visible = false;
  let isLoading = false; // whether the first page is asked for
  let isFresh = false; // whether the list is that of the server, as far as this tab knows

  async function load(passOn, isFirst) {
    const answer = await passOn(ask(isFirst ? null : next));
    keepFocus(at(list), () => place(answer.items, isFirst), otherwise);
    next = answer.next;
    show(more, next !== null);
    present(answer);
  }

  async function loadFirst() {
    const passOn = mine = begin();
    isLoading = true;
    if (busy && !at(list).children.length) show(busy, true);
    try {
      await load(passOn, true);
      isFresh = true;
    } finally {
      if (passOn.counts()) stopLoading();
    }
  }

  async function loadMore() {
    await first.catch(() => {}); // it may bring another next page
    if (next !== null) await load(mine, false);
  }

  function stopLoading() {
    isLoading = false;
    if (busy) show(busy, false);
  }

  /** List the first page again; what fails is thrown. */
  const reload = () => {
    isFresh = false;
    if (visible && current()) first = loadFirst();
    return visible ? first : Promise.resolve();
  };
  const renew = () => attempt(reload);

  at(more).addEventListener('click', () => attempt(loadMore, at(more)));
  onCollection(() => {
    end();
    stopLoading();
    next = null;
    at(list).replaceChildren();
    show(more, false);
    clear();
    renew();
  });

  return {
    reload, renew,
    /** Show the effect of a change on an item; list again what was listed since, or is being listed. */
    settle: (item, effect) => {
      const isListed = item.isConnected;
      if (isListed) effect();
      if (!isListed || isLoading) renew();
    },
    isFresh: () => isFresh,
    hasMore: () => next !== null,
    enter: () => { visible = true; },
    hide: () => {
      visible = false;
      end();
      mine = begin();
      stopLoading();
    },
  };
}

const putInto = list => (items, isFirst) => {
  // An item whose form somebody is filling in stays as it is.
  const filled = new Map([...at(list).children].filter(each => each.querySelector('form')).map(each => [each.dataset.key, each]));
  if (isFirst) at(list).replaceChildren();
  at(list).append(...items.map(each => filled.get(each.dataset.key) || each));
};
