// The view that reviews clusters: faces that seem to show one person whom nobody has named.

import {LONG, get, path, post, put, query} from './api.js';
import {change, onChange} from './changes.js';
import {current, inCollection, personName} from './collection.js';
import {picture} from './crops.js';
import {at, button, isAt, make, newId, plural, removeItem, show} from './dom.js';
import {attempt, say} from './messages.js';
import {faceButton, giveFaces, personForm} from './naming.js';
import {pagedList} from './pages.js';

const PAGE = 20;
const SHOWN = 12; // faces of a cluster
const COMPARED = 3; // faces of the person who is suggested

const VIEW = 'unknown';

let isToLook = false; // whether to cluster new faces once the view is shown

const list = pagedList({
  list: 'clusters',
  more: 'more-clusters',
  ask: async token => {
    const page = await get(inCollection('/clusters') + query({limit: PAGE, next_token: token}));
    return {items: await Promise.all(page.clusters.map(clusterItem)), next: page.next_token};
  },
  present: () => count(),
  clear: () => {
    at('unknown-count').textContent = '';
    show('unknown-empty', false);
  },
  place,
  otherwise: at('suggest'),
});

/** Put clusters into the list, and keep what the user has typed and deselected. */
function place(items, isFirst) {
  if (isFirst) {
    for (const item of items) keepWork(item);
    at('clusters').replaceChildren();
  }
  at('clusters').append(...items);
}

/** Copy the name that is half typed, and which faces are deselected, to the new item of a cluster. */
function keepWork(item) {
  const old = [...at('clusters').children].find(each => each.dataset.key === item.dataset.key);
  if (!old) return;
  item.querySelector('.naming input').value = old.querySelector('.naming input').value;
  for (const {dataset} of old.querySelectorAll('[data-face]:not(:checked)')) {
    const box = [...item.querySelectorAll('[data-face]')].find(each => each.dataset.face === dataset.face);
    if (!box) continue;
    box.checked = false;
    box.dispatchEvent(new Event('change'));
  }
}

function count() {
  const shown = at('clusters').children.length;
  at('unknown-count').textContent = shown ? `${shown}${list.hasMore() ? '+' : ''}` : '';
  show('unknown-empty', shown === 0);
  at('unknown-empty').textContent = 'There is nobody to name. After you have added photos, look for unknown people.';
}

/** Return the ids of some faces of a person, to compare others with. */
const facesOf = userId => get(inCollection(path`/people/${userId}`)).then(person => person.face_ids.slice(0, COMPARED), () => []);

async function clusterItem(cluster) {
  const titleId = newId('cluster');
  const suggested = cluster.user_id && await personName(cluster.user_id);
  const known = suggested ? await facesOf(cluster.user_id) : [];
  const title = suggested ? `Is this ${suggested}?` : `Who is this?`;
  const chosen = new Set(cluster.face_ids);
  const faces = make('ul', {class: 'plain faces'});
  const item = make('li', {class: 'card cluster', tabindex: '-1', 'aria-labelledby': titleId, 'data-key': cluster.cluster_id});
  const summary = make('p', {class: 'quiet', 'aria-live': 'polite'});
  const tell = () => {
    const different = cluster.face_ids.length - chosen.size;
    summary.textContent = plural(chosen.size, 'face') + (different ? `, ${different} of somebody else` : '');
  };
  const ordered = [cluster.best_face_id, ...cluster.face_ids.filter(each => each !== cluster.best_face_id)];
  const row = (faceId, index) => clusterFace(faceId, index, {chosen, tell, item, gone: () => {
    cluster.face_ids = cluster.face_ids.filter(each => each !== faceId);
    tell();
    if (cluster.face_ids.length) count(); else leave(item);
  }});
  faces.append(...ordered.slice(0, SHOWN).map(row));
  const rest = ordered.slice(SHOWN);
  const more = rest.length > 0 && button(`Show all ${ordered.length}`, () => {
    faces.append(...rest.map((faceId, index) => row(faceId, SHOWN + index)));
    more.remove();
    faces.children[SHOWN].querySelector('input').focus();
  });
  tell();
  const same = suggested && button('Yes, the same person', () => attempt(() => name(cluster, chosen, suggested, item, cluster.user_id), same), {class: 'primary'});
  const different = suggested && button(`No, not ${suggested}`, () => attempt(() => review(item, async () => {
    await put(inCollection(path`/clusters/${cluster.cluster_id}/not-same/${cluster.user_id}`));
    return {text: `These faces do not show ${suggested}; searches respect this.`, ids: cluster.face_ids};
  }, async () => {
    const hadFocus = isAt(item);
    item.remove();
    await suggestAgain(); // the faces may now be a cluster of their own
    if (hadFocus && isAt(at('clusters'))) (at('clusters').querySelector('li') || at('suggest')).focus();
  }), different));
  const ignore = button('Ignore', () => attempt(() => review(item, async () => {
    await put(inCollection(path`/clusters/${cluster.cluster_id}/ignored`));
    return {text: 'The cluster is ignored.', ids: [cluster.cluster_id]};
  }, () => leave(item)), ignore), {'aria-label': `Ignore cluster ${cluster.cluster_id}`});
  item.append(
    make('div', {class: 'row spread'}, make('h2', {id: titleId, class: 'name', title}, title), make('span', {class: 'quiet'}, cluster.cluster_id)),
    ...known.length ? [
      make('p', {class: 'quiet'}, `${suggested}:`),
      make('ul', {class: 'plain faces'}, ...known.map((faceId, index) => make('li', {}, picture(faceId, `Face ${index + 1} of ${suggested}`)))),
    ] : [],
    summary, faces, ...[more].filter(Boolean),
    make('div', {class: 'row'}, ...[same, different].filter(Boolean),
      personForm({
        label: suggested ? 'Or somebody else' : 'Name', yes: 'Save',
        submit: (text, send) => attempt(() => name(cluster, chosen, text, item), send),
      }), ignore));
  return item;
}

function clusterFace(faceId, index, {chosen, tell, item: cluster, gone}) {
  const id = newId('chosen');
  const box = make('input', {id, type: 'checkbox', 'data-face': faceId, change: () => {
    if (box.checked) chosen.add(faceId); else chosen.delete(faceId);
    tell();
  }});
  box.checked = true;
  const item = make('li', {},
    make('label', {for: id}, picture(faceId, `Face ${index + 1}`), make('span', {class: 'tick'}, box, 'Same')),
    faceButton('Not a face', `face ${index + 1}`, event => attempt(() => review(cluster, async () => {
      await put(inCollection(path`/faces/${faceId}/not-a-face`));
      return {text: 'It is marked as not a face, and is in no cluster.', ids: [faceId]};
    }, () => {
      chosen.delete(faceId);
      removeItem(item, at('unknown-title'));
      gone();
    }), event.target)));
  return item;
}

/** Give the chosen faces of a cluster to a person; the others are stated not to show that person. */
async function name(cluster, chosen, text, item, userId = null) {
  if (!chosen.size) throw new Error('Select the faces that show this person.');
  const others = cluster.face_ids.filter(each => !chosen.has(each));
  const person = await giveFaces(text, [...chosen], {userId, others, view: VIEW});
  if (person) list.settle(item, () => leave(item));
}

/** Make a change whose effect on the item of a cluster is known. */
async function review(item, work, after) {
  await change(work, VIEW);
  let shown;
  list.settle(item, () => { shown = after(); });
  await shown;
}

function leave(item) {
  const neighbour = item.nextElementSibling || item.previousElementSibling;
  const hadFocus = isAt(item);
  item.remove();
  count();
  if (hadFocus) (neighbour || at('suggest')).focus();
}

/** Cluster the faces that are in no cluster yet, and list the clusters. */
async function suggestAgain() {
  show('unknown-busy', true);
  try {
    const result = await post(inCollection('/clusters'), {}, LONG);
    await list.reload();
    return result;
  } finally {
    show('unknown-busy', false);
  }
}

const look = () => attempt(async () => {
  const collection = current();
  const result = await suggestAgain();
  if (collection === current()) say(`${plural(result.created, 'new cluster')}; ${plural(result.joined, 'face')} joined existing ones.`);
}, at('suggest'));
at('suggest').addEventListener('click', look);
onChange(view => { if (view !== VIEW) list.renew(); });
at('unknown-title').tabIndex = -1;

/** Cluster new faces as soon as the view is shown. */
export const lookWhenShown = () => { isToLook = true; };

export const unknownView = {
  show: () => {
    list.enter();
    if (isToLook) look(); else list.renew();
    isToLook = false;
  },
  hide: list.hide,
};
