// What a similarity means (docs/accuracy.md).

import {make} from './dom.js';

const MAX_PAIRS = 1e6;

/** Return the share of pairs of different people that are at least this similar. */
const rate = similarity => 0.01 * (1 / similarity - 1) ** (1 / Math.log10(4));

/** Say how often different people are as similar as this. */
export function meaning(similarity) {
  if (similarity <= 0) return 'all pairs of different people are at least this similar';
  const pairs = similarity < 1 ? 1 / rate(similarity) : Infinity;
  if (pairs < 2) return 'most pairs of different people are at least this similar';
  if (pairs > MAX_PAIRS) return 'fewer than 1 in 1,000,000 pairs of different people are this similar';
  return `about 1 in ${Number(pairs.toPrecision(2)).toLocaleString('en')} pairs of different people are this similar`;
}

/** Return an element with a similarity as a number, a bar and words. */
export function similarityElement(similarity, {words = true} = {}) {
  const shown = similarity.toFixed(3);
  const bar = make('span', {class: 'meter', 'aria-hidden': 'true'}, make('span', {class: 'meter-part'}));
  bar.firstChild.style.width = `${100 * similarity}%`;
  return make('div', {class: 'similarity'},
    make('span', {}, `Similarity ${shown}`), bar,
    words && make('span', {class: 'quiet'}, meaning(similarity)));
}
