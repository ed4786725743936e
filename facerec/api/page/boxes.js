// Boxes of faces, as shares of the photo.

const MIN_OVERLAP = 0.5; // of the same face, found with other options or another release

/** Return the intersection of two boxes over their union, from 0 to 1. */
function overlap(one, other) {
  const common = (side, length) => Math.max(0,
    Math.min(one[side] + one[length], other[side] + other[length]) - Math.max(one[side], other[side]));
  const both = common('left', 'width') * common('top', 'height');
  const all = one.width * one.height + other.width * other.height - both;
  return all > 0 ? both / all : 0;
}

/** Return which stored face of the same photo each face is, by their boxes; null if it is not stored. */
export function storedFaces(faces, stored) {
  const pairs = faces.flatMap((face, index) => stored.map(each => ({index, each, share: overlap(face.box, each.box)})))
    .filter(({share}) => share >= MIN_OVERLAP)
    .sort((one, other) => other.share - one.share);
  const found = faces.map(() => null);
  for (const {index, each} of pairs) if (!found[index] && !found.includes(each)) found[index] = each;
  return found;
}
