// A face of the probe: the decision about it, the people whom it may show, and its name once stored.

import {get, path} from './api.js';
import {inCollection} from './collection.js';
import {change} from './changes.js';
import {label, nameElement, picture, sourceElement} from './crops.js';
import {button, isAt, make, newId, plural} from './dom.js';
import {attempt} from './messages.js';
import {giveFaces, notSame, personForm} from './naming.js';
import {markBox, numberedCrop} from './photo.js';
import {similarityElement} from './similarity.js';

const SHOWN = 3;
const SIGNS = {match: '✓', ambiguous: '?', unknown: '–'};

/** Return whom a stored face counts as here: a person, an external image id up to the colon, or nobody. */
const personKey = face => face.user_id || (face.external_image_id || '').split(':')[0];

/** Return the best match of each person, most similar first, and the best one without a name. */
function people(matches) {
  const best = new Map();
  for (const match of matches) {
    const key = personKey(match.face);
    if (!best.has(key)) best.set(key, {...match, count: 0});
    best.get(key).count += 1;
  }
  return [...best.values()];
}

function verdict(face, threshold) {
  const names = face.candidates.map(each => label(each.face));
  if (face.decision === 'match') {
    const stored = face.candidates[0].face;
    if (stored.user_id) return [names[0], 'The only person who is similar enough.'];
    return stored.external_image_id
      ? [names[0], 'The only one who is similar enough. No person has this face yet; its photo has this name.']
      : ['A face without a name', 'It is in the collection, but nobody has said whom it shows.'];
  }
  if (face.decision === 'ambiguous') {
    return [names.slice(0, 2).join(' or '), 'Several people are about equally similar. Compare the faces before you decide.'];
  }
  return ['Nobody known', `Nobody in this collection reaches a similarity of ${threshold.toFixed(2)}.`];
}

const personRow = match => make('li', {class: 'person'},
  picture(match.face.face_id, `Face of ${label(match.face)}`),
  make('div', {class: 'grow'},
    nameElement(match.face, 'strong'),
    similarityElement(match.similarity),
    match.count > 1 && make('span', {class: 'quiet'},
      `${plural(match.count, 'face')} ${personKey(match.face) ? 'of this person' : 'without a name'} match`)));

const matchRow = match => make('li', {class: 'person'},
  picture(match.face.face_id, `Face of ${label(match.face)}`),
  make('div', {class: 'grow'},
    nameElement(match.face),
    similarityElement(match.similarity, {words: false}),
    make('span', {class: 'quiet'}, `distance ${match.distance.toFixed(3)}`),
    sourceElement(match.face)));

/** Return a list of which some entries are shown, and a button that shows the others. */
function unfolding(entries, row, shown, text) {
  const list = make('ul', {class: 'plain'}, ...entries.slice(0, shown).map(row));
  if (entries.length <= shown) return [list];
  const more = button(text(entries.length), () => {
    list.append(...entries.slice(shown).map(row));
    const next = list.children[shown];
    more.remove();
    next.tabIndex = -1;
    next.focus();
  });
  return [list, more];
}

/**
 * Return a face of the probe as `element`, with `nowStored`, to call once the collection has it, and
 * `stored`, which returns what that was called with.
 *
 * @param more searches for all matches; null if they are all there.
 */
export function probeFace(image, face, index, {threshold, more}) {
  const [title, reason] = verdict(face, threshold);
  const titleId = newId('face');
  // of an ambiguous face, candidates may be below the threshold
  const found = people([...face.matches, ...face.candidates.filter(each =>
    !face.matches.some(match => match.face.face_id === each.face.face_id))]);
  const best = face.decision === 'match' ? face.candidates[0] : null;
  const others = best ? found.filter(each => personKey(each.face) !== personKey(best.face)) : found;
  const naming = make('div', {class: 'naming-part'});
  const all = make('details', {}, make('summary', {}, `Matching faces (${face.matches.length}${face.more_matches ? '+' : ''})`));
  all.addEventListener('toggle', () => {
    if (!all.open || all.children.length > 1) return;
    all.append(...unfolding(face.matches, matchRow, 20, count => `Show all ${count}`));
    if (face.more_matches) {
      all.append(more
        ? make('div', {}, make('p', {}, 'More faces match than are shown.'), button('Show more', more))
        : make('p', {}, 'More faces match than can be shown. Raise the minimum similarity.'));
    }
  });
  const element = make('li', {
    class: `card face-card ${face.decision}`, tabindex: '-1', 'aria-labelledby': titleId,
    mouseenter: () => markBox(index, true), mouseleave: () => markBox(index, false),
    focusin: () => markBox(index, true), focusout: () => markBox(index, false),
  },
  make('div', {class: 'face-head'},
    numberedCrop(image, face, index),
    best && picture(best.face.face_id, `Stored face of ${title}`),
    make('div', {class: 'grow'},
      make('p', {class: `chip ${face.decision}`}, make('span', {'aria-hidden': 'true'}, SIGNS[face.decision]), ` ${face.decision}`),
      make('h3', {id: titleId, class: 'name', title}, make('span', {class: 'unseen'}, `Face ${index + 1}: `), title),
      best && similarityElement(best.similarity),
      make('p', {class: 'quiet'}, reason))),
  naming,
  ...others.length ? [
    best && make('h4', {}, 'Others who match'),
    ...unfolding(others, personRow, SHOWN, count => `Show all ${plural(count, 'person', 'people')}`),
  ] : [],
  make('div', {class: 'row spread'},
    face.matches.length > 0 && all,
    make('span', {class: 'quiet'}, `${(100 * face.confidence).toFixed(1)} % sure that this is a face`)));

  let isStored = null; // the stored face, and the id of its person
  const nowStored = (stored, name) => {
    isStored = stored;
    showOwner(naming, face, stored, name, nowStored);
  };
  return {element, nowStored, stored: () => isStored};
}

/** Ask again whom stored faces of the probe belong to, after people were changed. */
export async function checkOwners(items) {
  const owners = new Map();
  for (const item of items) {
    const stored = item.stored();
    if (!stored || !stored.user_id) continue;
    if (!owners.has(stored.user_id)) {
      const described = get(inCollection(path`/people/${stored.user_id}`));
      owners.set(stored.user_id, described.then(person => person.face_ids, error => {
        if (error.status === 404) return [];
        throw error;
      }));
    }
    const faces = await owners.get(stored.user_id);
    if (item.stored() === stored && !faces.includes(stored.face_id)) item.nowStored({...stored, user_id: null, person_name: null}, null);
  }
}

/** Move the focus to the next field for a name below a face of the probe, or else to the face. */
function goOn(item) {
  let next = item.nextElementSibling;
  while (next && !next.querySelector('.naming input')) next = next.nextElementSibling;
  (next ? next.querySelector('.naming input') : item).focus();
}

/** Show whom a stored face of the probe shows, and let the user say so. */
function showOwner(naming, face, stored, name, nowStored) {
  if (name) {
    naming.replaceChildren(make('p', {class: 'done'}, '✓ Belongs to ', make('strong', {class: 'name'}, name)));
    return;
  }
  const best = face.decision === 'match' && face.matches.find(each => each.face.user_id);
  const card = naming.closest('li');
  const proposal = best ? label(best.face) : '';
  const reject = proposal && button(`Not ${proposal}`, () => attempt(async () => {
    await change(async () => {
      await notSame([stored.face_id], best.face.user_id);
      return {text: `This face does not show ${proposal}; searches respect this.`, ids: [stored.face_id]};
    });
    const hadFocus = isAt(card);
    showOwner(naming, {...face, decision: 'unknown'}, stored, null, nowStored);
    if (hadFocus) naming.querySelector('input').focus();
  }, reject));
  naming.replaceChildren(...[
    personForm({
      label: proposal ? 'Is this right?' : 'Who is this?',
      yes: 'Save',
      value: proposal,
      submit: (text, send) => attempt(async () => {
        const isProposed = proposal && text === proposal.trim().normalize('NFC');
        const person = await giveFaces(text, [stored.face_id], {userId: isProposed ? best.face.user_id : null});
        if (!person) return;
        const hadFocus = isAt(card);
        nowStored({...stored, user_id: person.user_id}, person.name || person.user_id);
        if (hadFocus) goOn(card); // the field that had the focus is gone
      }, send),
    }),
    reject,
  ].filter(Boolean));
}
