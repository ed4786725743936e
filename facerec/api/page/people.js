// The view that lists people.

import {get, path, query} from './api.js';
import {change, onChange} from './changes.js';
import {createPerson, describe, inCollection, nameOf, onCollection, remember} from './collection.js';
import {picture} from './crops.js';
import {at, make, plural, show} from './dom.js';
import {attempt} from './messages.js';

const PAGE = 60;
const PAUSE = 200;

let next = null;
let visible = false;
let turn = 0;
let fresh = false; // whether the list is that of the server, as far as this tab knows
let left = 0; // how far the list was scrolled when it was left

async function load(more = false) {
  const mine = more ? turn : ++turn;
  const text = at('people-search').value.trim();
  if (!more && !at('people-list').children.length) show('people-busy', true);
  const [page, described] = await Promise.all([
    get(inCollection('/people') + query({name_contains: text, limit: PAGE, next_token: more ? next : null})),
    describe(),
  ]).finally(() => show('people-busy', false));
  if (mine !== turn) return;
  if (!more) at('people-list').replaceChildren();
  fresh = true;
  at('people-list').append(...page.people.map(personItem));
  at('people-count').textContent = described.user_count.toLocaleString('en');
  next = page.next_token;
  show('more-people', next !== null);
  show('people-empty', !at('people-list').children.length);
  at('people-empty').textContent = text
    ? 'Nobody has this in the name.'
    : 'There are no people yet. Name the faces of a photo under Match, or the clusters under Unknown.';
}

function personItem(person) {
  remember(person);
  const frame = make('span', {class: 'thumb'});
  if (person.face_count) frames.observe(Object.assign(frame, {person}));
  return make('li', {},
    make('a', {class: 'card tile', href: `#/person/${encodeURIComponent(person.user_id)}`}, frame,
      make('span', {class: 'name strong', title: nameOf(person)}, nameOf(person)),
      make('span', {class: 'quiet'}, plural(person.face_count, 'face'))));
}

// A list of people has no ids of faces, so each person in view is asked for.
const frames = new IntersectionObserver(entries => {
  for (const {isIntersecting, target} of entries) {
    if (!isIntersecting) continue;
    frames.unobserve(target);
    get(inCollection(path`/people/${target.person.user_id}`)).then(described => {
      if (described.face_ids.length) target.replaceWith(picture(described.face_ids[0], ''));
    }, () => {});
  }
});

let timer;
at('people-search').addEventListener('input', () => {
  clearTimeout(timer);
  timer = setTimeout(() => attempt(() => load()), PAUSE);
});
at('more-people').addEventListener('click', () => attempt(() => load(true), at('more-people')));
at('new-person').addEventListener('submit', event => {
  event.preventDefault();
  attempt(() => change(async () => {
    const person = await createPerson(at('new-name').value.trim().normalize('NFC'));
    at('new-name').value = '';
    return {text: `${nameOf(person)} is created.`, ids: [person.user_id]};
  }), at('new-person').querySelector('button'));
});
const renew = () => {
  fresh = false;
  if (visible) attempt(() => load());
};
onChange(renew);
onCollection(() => {
  at('people-list').replaceChildren();
  at('people-search').value = '';
  renew();
});

export const peopleView = {
  show: () => {
    visible = true;
    // Whoever comes back from a person continues in the list, which may be long.
    if (fresh) scrollTo(0, left); else renew();
  },
  hide: () => {
    visible = false;
    left = scrollY;
  },
};
