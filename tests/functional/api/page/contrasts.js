// Returns the visible texts whose contrast with their background is below 4.5 (WCAG 2.2, 1.4.3).
() => {
  const parse = text => (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const bad = [];
  const check = (element, colour, text) => {
    const [one, other] = [light(parse(colour)), light(ground(element))].sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < 4.5) bad.push(`${text.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const {parentElement: element, textContent: text} = walker.currentNode;
    if (!text.trim() || !element.getClientRects().length || element.closest(':disabled, option')) continue;
    check(element, getComputedStyle(element).color, text);
  }
  for (const field of document.querySelectorAll('input')) {
    if (field.offsetParent && field.placeholder) check(field, getComputedStyle(field, '::placeholder').color, field.placeholder);
  }
  return bad;
}
