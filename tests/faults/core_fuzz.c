/*
 * Fuzzes the digit finder under sanitizers: soups of what it looks for, in heap blocks of exactly their size, so that a
 * byte read outside is caught. Arguments: how many soups, and a seed. Says "fine" when nothing was wrong.
 */
#include "../../src/tigertally/discovery/_core.c"

#include <stdio.h>
#include <stdlib.h>

static u64 state;
static u64 next_random(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}
static i64 below(i64 n) { return (i64)(next_random() % (u64)n); }

static const char *pieces[] = {
    "4111111111111111", "4111 1111 1111 1111", "4111%201111%201111%201111", "6205500000000000004", "11010119900307002X",
    "110101 19900307 002X", "13800138000", "138-0013-8000", "+86", "GB82WEST12345698765432", "DE89 3704 0044 0532 0130 00",
    "%B4111111111111111^DOE/J^27121010000000000?", ";4111111111111111=27121010000000000?", "91350211M000100Y46", "010-62345678",
    "li@example.com", "postgres://a:b@c.example.com/", "%", "%3D", "%2520", "\\u5361", "\\n", "\\", "&nbsp;", "cvv", "CVV2=", "123",
    "exp", "expiry_date=", "12/27", "2027-12", "\xe5\xae\x89\xe5\x85\xa8\xe7\xa0\x81", "\xe6\x9c\x89\xe6\x95\x88\xe6\x9c\x9f", "\xef\xbc\x9a",
    "\xef\xbc\x94", "\xe5\xbc\xa0\xe4\xbc\x9f", "\xe5\xbc", "\xef\xbc\x8c", "\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\x8b", "\xe2", "\xef\xbc", "\xc2", " ", "-", ".", "+", "_", "@", "://", ":", "=",
    "\"", ",", "\n", "4", "62", "1", "0", "A", "AB12", "x", "password", "PassWord=", "\xe5\xaf\x86\xe7\xa0\x81", "1111111111111111111111111111111111111111111",
};
enum { PIECES = sizeof pieces / sizeof *pieces, CAP = 64 + 512, WORDS = 3 };

static u8 *soup(i64 *size) {
    u8 text[4096];
    i64 n = 0;
    for (i64 count = below(24); count > 0; count--) {
        const char *piece = pieces[below(PIECES)];
        i64 length = (i64)strlen(piece);
        if (n + length >= (i64)sizeof text) break;
        memcpy(text + n, piece, (size_t)length);
        n += length;
        if (below(12) == 0) text[n++] = (u8)below(256);
    }
    if (n && below(3) == 0) n -= below(n < 8 ? n : 8);
    u8 *exact = malloc(n ? (size_t)n : 1);
    memcpy(exact, text, (size_t)n);
    *size = n;
    return exact;
}

static void check(int good, const char *what) {
    if (good) return;
    printf("wrong: %s\n", what);
    exit(1);
}

static void check_hits(const hits_t *h, i64 size) {
    check(h->count >= 0 && h->count <= h->cap, "count");
    for (i64 i = 0; i < h->count; i++)
        check(h->start[i] >= 0 && h->start[i] < h->stop[i] && h->stop[i] <= size, "a hit outside");
}

int main(int argc, char **argv) {
    i64 rounds = argc > 1 ? atol(argv[1]) : 1000;
    state = (argc > 2 ? (u64)atol(argv[2]) : 1) * 0x9E3779B97F4A7C15ull + 1;
    uint16_t *issuer = malloc(1000000 * sizeof *issuer);
    u8 *region = malloc(1000000), *iban = malloc(676), *mobile = malloc(1000);
    for (int i = 0; i < 1000000; i++) issuer[i] = 0xffff, region[i] = 2;
    memset(iban, 22, 676);
    memset(mobile, 1, 1000);
    tables_t tables = {issuer, region, iban, mobile};

    /* A table of words by the rules of words.py. */
    static const char *literals[WORDS] = {"password", "\xe5\xaf\x86\xe7\xa0\x81", "exp=1"};
    u8 *filter = calloc(8192, 1), bytes[64];
    int32_t *bucket = calloc(65537, sizeof *bucket), literal[2 * WORDS], shift[2 * WORDS];
    i64 begin[WORDS + 1] = {0};
    int entries = 0;
    for (int i = 0; i < WORDS; i++) {
        i64 length = (i64)strlen(literals[i]);
        memcpy(bytes + begin[i], literals[i], (size_t)length);
        begin[i + 1] = begin[i] + length;
    }
    for (unsigned h = 0; h < 65536; h++) {
        bucket[h] = entries;
        for (int i = 0; i < WORDS; i++)
            for (int s = 0; s < 2; s++) {
                uint32_t four = 0;
                memcpy(&four, literals[i] + s, 3);
                if (((LOW_THREE(four) | 0x202020u) * 0x9E3779B1u) >> 16 != h) continue;
                filter[h >> 3] |= (u8)(1 << (h & 7));
                literal[entries] = i, shift[entries] = s, entries++;
            }
    }
    bucket[65536] = entries;
    words_t words = {filter, bucket, literal, shift, begin, bytes};

    i64 *start = malloc(CAP * 8), *stop = malloc(CAP * 8), *row = malloc(CAP * 8);
    u8 *kind = malloc(CAP), *flags = malloc(CAP);
    u64 *value = malloc(CAP * 8);
    for (i64 round = 0; round < rounds; round++) {
        i64 size, cap = 64 + below(3) * 256;
        u8 *data = soup(&size);
        hits_t hits = {start, stop, kind, flags, value, row, cap, 0};
        i64 from = below(2) ? 0 : below(size + 1), limit = below(2) ? size : below(size + 2), begun = from;
        if (limit > size) limit = size;
        for (int calls = 0; begun < limit && calls < 5000; calls++) {
            i64 next = tt_scan(data, size, begun, limit, &tables, &hits);
            check_hits(&hits, size);
            check(next > begun || hits.count > 0 || next >= limit, "no progress");
            if (hits.count == 0 && next <= begun) break;
            begun = next;
            hits.count = 0;
        }
        int64_t offsets[9] = {0};
        for (int i = 1; i < 9; i++) offsets[i] = i == 8 ? size : offsets[i - 1] + below(size - offsets[i - 1] + 1);
        for (i64 first = 0, calls = 0; first < 8 && calls < 64; calls++) {
            first = tt_scan_cells(data, offsets, first, 8, &tables, &hits);
            check_hits(&hits, size);
            hits.count = 0;
        }
        i64 cards[4], ends[4], n = 0;
        for (i64 at = 0; n < 4 && at + 16 <= size; at += 16 + below(40)) cards[n] = at, ends[n++] = at + 16;
        tt_beside(data, size, cards, ends, n, below(300), &hits);
        check_hits(&hits, size);
        i64 word[4], length[4];
        u64 hash[8];
        tt_context(data, size, cards, n, word, length, hash);
        for (i64 i = 0; i < n; i++) check(word[i] >= 0 && length[i] >= 0 && word[i] + length[i] <= size, "a label outside");
        i64 head[8], tail[8], names = tt_names(data, size, cards, ends, n, region, head, tail); /* all are surnames here */
        for (i64 i = 0; i < names; i++) check(head[i] >= 0 && head[i] < tail[i] && tail[i] <= size, "a name outside");
        uint16_t group[4];
        check(n == 0 || tt_groups(hash, n, group, cards, 4) <= n, "groups");
        tt_digest_cells(data, offsets, 8, next_random(), hash);
        u8 *out = malloc(size ? (size_t)size : 1);
        check(tt_fold(data, size, out) <= size && tt_fold(data, size, 0) <= size, "folded longer");
        i64 place[WORDS * 2 + 2], count = 0, at = 0;
        int32_t which[WORDS * 2 + 2];
        for (int calls = 0; at < size && calls < 5000; calls++) {
            i64 next = tt_words(data, size, at, size, &words, place, which, WORDS * 2 + 2, &count);
            for (i64 i = 0; i < count; i++) check(place[i] >= 0 && place[i] + begin[which[i] + 1] - begin[which[i]] <= size, "a word outside");
            check(next > at, "no progress in words");
            at = next;
        }
        free(out);
        free(data);
    }
    free(issuer), free(region), free(iban), free(mobile), free(filter), free(bucket);
    free(start), free(stop), free(row), free(kind), free(flags), free(value);
    puts("fine");
    return 0;
}
