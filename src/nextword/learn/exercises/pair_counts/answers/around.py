def recount(counts, word, pair, times):
    def change(of, by):
        counts[of] = counts.get(of, 0) + by * times
        #~ once: counts[of] = counts.get(of, 0) + by
        #~ old-kept: counts[of] = counts.get(of, 0) + max(by, 0) * times
        #~ new-missing: counts[of] = counts.get(of, 0) + min(by, 0) * times

    a, b = pair
    joined = []
    i = 0
    while i < len(word):
        if tuple(word[i : i + 2]) != pair:
            joined.append(word[i])
            i += 1
            continue
        change(pair, -1)
        #~ pair-kept: pass
        if joined:
            #~ left-forgotten: if False:
            left = joined[-1]
            #~ old-left: left = word[i - 1]
            change((left, a), -1)
            change((left, a + b), 1)
        if i + 2 < len(word):
            #~ right-forgotten: if False:
            change((b, word[i + 2]), -1)
            change((a + b, word[i + 2]), 1)
        joined.append(a + b)
        i += 2
        #~ first-place-only: return [*joined, *word[i + 2 :]]
    return joined
