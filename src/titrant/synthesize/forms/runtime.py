"""Small JavaScript functions for what Python does in another way; a translation holds those that it uses."""

from __future__ import annotations

import re

HELPERS: dict[str, str] = {
    "floorMod": """
// The remainder that has the sign of the divisor.
function floorMod(a, b) {
  return ((a % b) + b) % b;
}
""",
    "isEqual": """
// Whether two values are equal, containers item by item.
function isEqual(a, b) {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => isEqual(item, b[i]));
  }
  if (a instanceof Set && b instanceof Set) {
    return a.size === b.size && [...a].every((item) => b.has(item));
  }
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([key, item]) => b.has(key) && isEqual(item, b.get(key)));
  }
  return a === b;
}
""",
    "compareValues": """
// Negative, zero or positive, as a sort wants it; arrays are compared item by item.
function compareValues(a, b) {
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const order = compareValues(a[i], b[i]);
      if (order !== 0) {
        return order;
      }
    }
    return a.length - b.length;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
""",
    "sortedCopy": """
function sortedCopy(items, key = (item) => item, reverse = false) {
  const sign = reverse ? -1 : 1;
  return [...items].sort((a, b) => sign * compareValues(key(a), key(b)));
}
""",
    "bestOf": """
// The first item whose key is greatest (sign 1) or least (sign -1).
function bestOf(items, sign, key = (item) => item, fallback = null) {
  let best = fallback;
  let found = false;
  for (const item of items) {
    if (!found || sign * compareValues(key(item), key(best)) > 0) {
      best = item;
      found = true;
    }
  }
  return best;
}
""",
    "sumOf": """
function sumOf(items, start = 0) {
  let total = start;
  for (const item of items) {
    total += Number(item);
  }
  return total;
}
""",
    "rangeOf": """
function rangeOf(start, stop, step = 1) {
  const items = [];
  for (let i = start; step > 0 ? i < stop : i > stop; i += step) {
    items.push(i);
  }
  return items;
}
""",
    "zipped": """
function zipped(...lists) {
  const arrays = lists.map((list) => [...list]);
  const length = Math.min(...arrays.map((array) => array.length));
  return Array.from({ length }, (_, i) => arrays.map((array) => array[i]));
}
""",
    "numbered": """
function numbered(items, start = 0) {
  return [...items].map((item, i) => [i + start, item]);
}
""",
    "sizeOf": """
function sizeOf(value) {
  return value instanceof Map || value instanceof Set ? value.size : value.length;
}
""",
    "isTrue": """
// Whether a value counts as true: empty containers do not.
function isTrue(value) {
  if (Array.isArray(value)) {
    return value.length > 0;
  }
  return value instanceof Map || value instanceof Set ? value.size > 0 : Boolean(value);
}
""",
    "isIn": """
function isIn(item, container) {
  if (container instanceof Map || container instanceof Set) {
    return container.has(item);
  }
  return Array.isArray(container) ? container.some((other) => isEqual(item, other)) : container.includes(item);
}
""",
    "itemAt": """
function itemAt(container, place) {
  return container instanceof Map ? container.get(place) : container.at(place);
}
""",
    "added": """
function added(a, b) {
  return Array.isArray(a) ? [...a, ...b] : a + b;
}
""",
    "repeated": """
function repeated(items, times) {
  return Array.from({ length: Math.max(0, times) }, () => items).flat();
}
""",
    "sliced": """
// Every step-th item from start to stop, counted from the end where negative.
function sliced(items, start, stop, step) {
  const length = items.length;
  const bounded = (i, low, high) => Math.min(Math.max(i < 0 ? i + length : i, low), high);
  const kept = [];
  if (step > 0) {
    const end = stop === null ? length : bounded(stop, 0, length);
    for (let i = start === null ? 0 : bounded(start, 0, length); i < end; i += step) {
      kept.push(items[i]);
    }
  } else {
    const end = stop === null ? -1 : bounded(stop, -1, length - 1);
    for (let i = start === null ? length - 1 : bounded(start, -1, length - 1); i > end; i += step) {
      kept.push(items[i]);
    }
  }
  return typeof items === "string" ? kept.join("") : kept;
}
""",
    "wordsOf": """
function wordsOf(text) {
  return text.split(/\\s+/).filter((word) => word !== "");
}
""",
    "countOf": """
function countOf(container, item) {
  if (typeof container === "string") {
    return container.split(item).length - 1;
  }
  return container.filter((other) => isEqual(other, item)).length;
}
""",
    "removeItem": """
function removeItem(items, item) {
  items.splice(items.findIndex((other) => isEqual(other, item)), 1);
}
""",
    "DefaultMap": """
// A map that makes a value for a key that it lacks.
class DefaultMap extends Map {
  constructor(make) {
    super();
    this.make = make;
  }
  get(key) {
    if (!this.has(key)) {
      this.set(key, this.make());
    }
    return super.get(key);
  }
}
""",
    "Tally": """
// How often each item occurs; 0 for those that do not.
class Tally extends Map {
  constructor(items) {
    super();
    for (const item of items) {
      this.set(item, this.get(item) + 1);
    }
  }
  get(key) {
    return super.get(key) ?? 0;
  }
}
""",
    "setDefault": """
function setDefault(map, key, value) {
  if (!map.has(key)) {
    map.set(key, value);
  }
  return map.get(key);
}
""",
    "common": """
function common(a, b) {
  return new Set([...a].filter((item) => new Set(b).has(item)));
}
""",
    "without": """
function without(a, b) {
  return new Set([...a].filter((item) => !new Set(b).has(item)));
}
""",
}


def helpers_for(program: str) -> str:
    """The text of all helpers that a program names, and of those that they name, each once."""
    wanted: list[str] = []
    texts = [program]
    while texts:
        text = texts.pop()
        for name, helper in HELPERS.items():
            if name not in wanted and re.search(rf"\b{name}\(|\({name}\)", text):
                wanted.append(name)
                texts.append(helper)
    return "\n".join(HELPERS[name].strip("\n") + "\n" for name in HELPERS if name in wanted)
