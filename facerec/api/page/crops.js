// Pictures of faces: cut from photos that are open here, or asked of the server.

import {getPicture, path} from './api.js';
import {current, personName} from './collection.js';
import {make, show} from './dom.js';
import {pathOf, shortName} from './file_names.js';

const SIDE = 160;
const MARGIN = 0.25;
const MAX_KEPT = 1000;
const MAX_LOADING = 3;
const NO_NAME = 'no name';
const BLANK = 'page/face.svg';

// Crops of the photos that were added in this tab, and the names of their files. The server has
// names if the user wants it to, and crops if its operator does.
const kept = new Map();
const waiting = [];
let loading = 0;

/** Draw a face of a photo, with a margin, on a new canvas. */
export function crop(photo, size, box) {
  const x = Math.max(0, box.left - MARGIN * box.width);
  const y = Math.max(0, box.top - MARGIN * box.height);
  const width = Math.max(1, (Math.min(1, box.left + (1 + MARGIN) * box.width) - x) * size.width);
  const height = Math.max(1, (Math.min(1, box.top + (1 + MARGIN) * box.height) - y) * size.height);
  const scale = SIDE / Math.max(width, height);
  const canvas = make('canvas', {width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale))});
  canvas.getContext('2d').drawImage(photo, x * size.width, y * size.height, width, height, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Keep crops of the stored faces of a photo for as long as this tab is open. */
export async function keepCrops(file, faces) {
  let photo;
  try {
    photo = await createImageBitmap(file);
  } catch {
    return; // a format that this browser cannot show
  }
  for (const face of faces) {
    const canvas = crop(photo, photo, face.box);
    const blob = await new Promise(resolve => { canvas.toBlob(resolve, 'image/jpeg', 0.85); });
    if (!blob) continue;
    forget(face.face_id);
    kept.set(face.face_id, {address: URL.createObjectURL(blob), fileName: pathOf(file)});
    if (kept.size > MAX_KEPT) forget(kept.keys().next().value);
  }
  photo.close();
}

/** Forget the crop of a face, once the face is deleted. */
export function forget(faceId) {
  if (!kept.has(faceId)) return;
  URL.revokeObjectURL(kept.get(faceId).address);
  kept.delete(faceId);
}

// A few at a time, and only those that come into view.
const seen = new IntersectionObserver(entries => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    waiting.push(entry.target);
    load();
  }
}, {rootMargin: '200px'});

function load() {
  if (loading >= MAX_LOADING || !waiting.length) return;
  const image = waiting.shift();
  loading += 1;
  getPicture(image.dataset.path)
    .then(blob => {
      const address = URL.createObjectURL(blob);
      image.src = address;
      return image.decode().finally(() => URL.revokeObjectURL(address));
    })
    .catch(() => placeholder(image))
    .finally(() => { loading -= 1; load(); });
}

function placeholder(image) {
  image.src = BLANK;
  image.classList.add('missing');
  image.alt += ' (no thumbnail)';
  if (image.offsetParent) show('no-pictures', true); // its view may be hidden by now
}
addEventListener('hashchange', () => show('no-pictures', false));

/** Return the picture of a stored face; without one, it becomes a placeholder. */
export function picture(faceId, alt) {
  const image = make('img', {class: 'thumb', alt, width: 72, height: 72});
  if (kept.has(faceId)) {
    image.src = kept.get(faceId).address;
  } else {
    image.src = BLANK;
    image.dataset.path = path`collections/${current()}/faces/${faceId}/thumbnail`;
    seen.observe(image);
  }
  return image;
}

/** Return what a stored face is called, as far as the face itself says it. */
export const label = face =>
  face.person_name || face.user_id || face.external_image_id || NO_NAME;

export const isNamed = face => label(face) !== NO_NAME;

/** Return an element with the name of a stored face, which changes once the person's name is known. */
export function nameElement(face, tag = 'span') {
  const element = make(tag, {class: isNamed(face) ? 'name' : 'name quiet'});
  const set = name => { element.textContent = element.title = name; };
  set(label(face));
  if (face.user_id && !face.person_name) personName(face.user_id).then(set);
  return element;
}

/** Return an element with the file name of a face's photo, and its folder; none if it is not known. */
export function sourceElement(face) {
  const source = face.source || kept.get(face.face_id)?.fileName;
  return source ? make('span', {class: 'quiet name', title: source}, shortName(source)) : null;
}
