def recount(counts, word, pair, times):
    """A list of changes first; the word shrinks in place, on a copy."""
    a, b = pair
    out, changes, i = list(word), [], 0
    while i < len(out) - 1:
        if (out[i], out[i + 1]) == (a, b):
            out[i : i + 2] = [a + b]
            changes.append((pair, -1))
            #~ pair-kept: changes.append((pair, 0))
            before, after = out[:i][-1:], out[i + 1 :][:1]
            #~ left-forgotten: before, after = [], out[i + 1 :][:1]
            #~ right-forgotten: before, after = out[:i][-1:], []
            #~ old-left: before, after = [b if x == a + b else x for x in out[:i][-1:]], out[i + 1 :][:1]
            for x in before:
                changes += [((x, a), -1), ((x, a + b), 1)]
            for y in after:
                changes += [((b, y), -1), ((a + b, y), 1)]
        i += 1
        #~ first-place-only: i = len(out) if out[i] == a + b else i + 1
    for changed, by in changes:
        counts[changed] = counts.get(changed, 0) + by * times
        #~ once: counts[changed] = counts.get(changed, 0) + by
        #~ old-kept: counts[changed] = counts.get(changed, 0) + max(by, 0) * times
        #~ new-missing: counts[changed] = counts.get(changed, 0) + min(by, 0) * times
    return out
