// The view that lists people.

import {get, path, query} from './api.js';
import {change, onChange} from './changes.js';
import {createPerson, describe, inCollection, nameOf, remember} from './collection.js';
import {picture} from './crops.js';
import {at, make, plural, show} from './dom.js';
import {attempt} from './messages.js';
import {pagedList} from './pages.js';

const PAGE = 60;
const PAUSE = 200;

let left = 0; // how far the list was scrolled when it was left

const list = pagedList({
  list: 'people-list',
  more: 'more-people',
  busy: 'people-busy',
  ask: async token => {
    const text = at('people-search').value.trim();
    const [page, described] = await Promise.all([
      get(inCollection('/people') + query({name_contains: text, limit: PAGE, next_token: token})), describe(),
    ]);
    return {items: page.people.map(personItem), next: page.next_token, shown: page.people, people: described.user_count, text};
  },
  present: ({people, shown, text}) => {
    for (const person of shown) remember(person);
    at('people-count').textContent = people.toLocaleString('en');
    show('people-empty', !at('people-list').children.length);
    at('people-empty').textContent = text
      ? 'No name contains this text.'
      : 'There are no people yet. Name the faces of a photo under Match, or the clusters under Unknown.';
  },
  clear: () => {
    at('people-count').textContent = at('people-search').value = '';
    show('people-empty', false);
  },
});

function personItem(person) {
  const frame = make('span', {class: 'thumb'});
  if (person.face_count) frames.observe(Object.assign(frame, {person}));
  return make('li', {'data-key': person.user_id},
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
  timer = setTimeout(list.renew, PAUSE);
});
const nameAtHand = () => at('new-name').value.trim().normalize('NFC');
at('new-person').addEventListener('submit', event => {
  event.preventDefault();
  const name = nameAtHand();
  attempt(() => change(async () => {
    const person = await createPerson(name);
    if (nameAtHand() === name) at('new-name').value = '';
    return {text: `${nameOf(person)} is created.`, ids: [person.user_id]};
  }), at('new-person').querySelector('button'));
});
onChange(list.renew);

export const peopleView = {
  show: () => {
    list.enter();
    // Whoever comes back from a person continues in the list, which may be long.
    if (list.isFresh()) scrollTo(0, left); else list.renew();
  },
  hide: () => {
    list.hide();
    left = scrollY;
  },
};
