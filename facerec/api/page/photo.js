// The probe: its photo with numbered boxes.

import {crop} from './crops.js';
import {at, make, show} from './dom.js';

const LOW = 0.08; // where a number above the box would be outside of the photo

let address = null;

/** Show a photo; resolves to the image, or to null if this browser cannot show it. */
export function openPhoto(file) {
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(file);
  const image = make('img', {alt: 'The photo that was searched with'});
  at('photo').replaceChildren(image);
  show('photo-note', false);
  image.src = address;
  return image.decode().then(() => image, () => null);
}

/** Draw a numbered box around each face; `choose` is called with the number of one that is clicked. */
export function drawBoxes(image, result, choose) {
  const frame = at('photo');
  if (!image) {
    frame.replaceChildren();
    frame.style.aspectRatio = `${result.width} / ${result.height}`;
  } else {
    frame.style.aspectRatio = '';
  }
  show('photo-note', !image);
  for (const old of frame.querySelectorAll('.box')) old.remove();
  frame.append(...result.faces.map((face, index) => {
    const box = make('button', {
      type: 'button',
      class: `box ${face.decision}`,
      'aria-label': `Face ${index + 1}: ${face.decision}`,
      click: () => choose(index),
    }, make('span', {class: face.box.top < LOW ? 'number inside' : 'number'}, `${index + 1}`));
    for (const [property, share] of [['left', face.box.left], ['top', face.box.top], ['width', face.box.width], ['height', face.box.height]]) {
      box.style[property] = `${100 * share}%`;
    }
    return box;
  }));
}

/** Mark the box of a face. */
export function markBox(index, marked) {
  at('photo').querySelectorAll('.box')[index]?.classList.toggle('chosen', marked);
}

/** Return a crop of a face with its number, or the number alone. */
export function numberedCrop(image, face, index) {
  const size = image && {width: image.naturalWidth, height: image.naturalHeight};
  const canvas = image ? crop(image, size, face.box) : make('img', {src: 'page/face.svg', alt: ''});
  canvas.classList.add('thumb');
  canvas.setAttribute('aria-hidden', 'true');
  return make('div', {class: 'numbered'}, canvas, make('span', {class: `number ${face.decision}`, 'aria-hidden': 'true'}, `${index + 1}`));
}
