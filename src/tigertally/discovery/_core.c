/*
 * The digit finder: card numbers, resident IDs, mobile numbers, IBANs, track data, and the codes beside cards.
 *
 * Bytes in, columns of (start, stop, kind, flags, value) out. No allocation, no global state, no I/O; every
 * read goes through at(), which is bounded, or through a block that was copied when it is short. The Python
 * rooms core.py and fallback.py call the same rules; a property test holds the two equal.
 *
 * Rules (discovery facts, section 4):
 *  1. ASCII boundaries: an ASCII letter, digit or underscore beside a number rejects it, a Han character does not;
 *     an escape (\n \r \t \u5361) before it is no letter. "digit." before a number rejects it.
 *     A percent escape (%3D, %20) before it is no letter and no digit; the reading without it comes first.
 *  2. Work on groups of digits, joined by one repeated separator (gap_at lists them), longest shape first.
 *  3. Never inside a longer run.
 *  4. A number that is an ID (region, date, MOD 11-2) is an ID even when it passes as a card.
 *  5. An issuer range with a failing Luhn check is reported as a miss: the share of misses tells chance from cards.
 */
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define EXPORT __attribute__((visibility("default")))
#define VERSION 9

typedef int64_t i64;
typedef uint64_t u64;
typedef uint8_t u8;

enum { PAN = 1, EXPIRY = 2, NATIONAL_ID = 3, MOBILE = 4, IBAN = 7, EMAIL = 8, LANDLINE = 13, USCC = 14, CVV = 128, TRACK = 129, PASSWORD = 131,
       ID_15 = 200, MISS_PAN = 201, MISS_ID = 203 };
enum { STRICT = 1, GROUPED = 2, ALSO = 4, FULL = 8 };
enum { GROUPS_MAX = 7, RUN_MAX = 40 };

typedef struct {
    const uint16_t *issuer; /* [1000000] by first six digits: low byte strict lengths, high byte broad, bit = length - 12 */
    const u8 *region;       /* [1000000] 0 no such province, 1 province, 2 known code */
    const u8 *iban;         /* [676] total length by the two letters, 0 unknown */
    const u8 *mobile;       /* [1000] 1 if the first three digits are allotted */
} tables_t;

typedef struct {
    i64 *start;
    i64 *stop;
    u8 *kind;
    u8 *flags;
    u64 *value;
    i64 *row;
    i64 cap;
    i64 count;
} hits_t;

typedef struct {
    const u8 *data;
    i64 lo, hi; /* bytes that exist */
    i64 row;    /* -1 for a text, which is no cell */
    const tables_t *tables;
    hits_t *hits;
} view_t;

EXPORT int tt_version(void) { return VERSION; }

static inline int at(const view_t *v, i64 place) {
    return place >= v->lo && place < v->hi ? v->data[place] : 0;
}

static inline int is_digit(int c) { return c >= '0' && c <= '9'; }
static inline int is_upper(int c) { return c >= 'A' && c <= 'Z'; }
static inline int is_lower(int c) { return c >= 'a' && c <= 'z'; }
static inline int is_letter(int c) { return is_upper(c) || is_lower(c); }
static inline int is_word(int c) { return is_digit(c) || is_letter(c) || c == '_'; }

static int is_hex(int c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/* Whether a \uXXXX escape, as in JSON, begins at place. */
static int escape_at(const view_t *v, i64 place) {
    return at(v, place) == '\\' && at(v, place + 1) == 'u' && is_hex(at(v, place + 2)) && is_hex(at(v, place + 3)) &&
           is_hex(at(v, place + 4)) && is_hex(at(v, place + 5));
}

/* The end of the escape that place lies in, or place. */
static i64 past_escape(const view_t *v, i64 place) {
    if (at(v, place - 2) != '\\' && at(v, place - 3) != '\\' && at(v, place - 4) != '\\' && at(v, place - 5) != '\\') return place;
    for (i64 back = 2; back <= 5; back++)
        if (escape_at(v, place - back)) return place - back + 6;
    return place;
}

static int word_is(const view_t *v, i64 p, const char *word) {
    for (i64 i = 0; word[i]; i++) {
        int c = at(v, p + i), w = (u8)word[i];
        if (c != w && !(is_upper(c) && c + 32 == w)) return 0;
    }
    return 1;
}

/* Whether a %XX escape, as in URLs and forms, begins at place. */
static int percent_at(const view_t *v, i64 place) {
    return at(v, place) == '%' && is_hex(at(v, place + 1)) && is_hex(at(v, place + 2));
}

/* The end of the %XX escape that place lies in, or place. */
static i64 past_percent(const view_t *v, i64 place) {
    if (percent_at(v, place - 1)) return place + 2;
    return percent_at(v, place - 2) ? place + 1 : place;
}

/* Rule 1, left side. */
static int open_left(const view_t *v, i64 start) {
    int c = at(v, start - 1);
    if (is_hex(c) && (escape_at(v, start - 6) || percent_at(v, start - 3) || word_is(v, start - 5, "%25"))) return 1;
    if (c == '.') return !is_digit(at(v, start - 2));
    if (!is_word(c)) return 1;
    return (c == 'n' || c == 'r' || c == 't') && at(v, start - 2) == '\\';
}

static int open_right(const view_t *v, i64 stop) { return !is_word(at(v, stop)); }

/* Whether a number is all that its cell holds, but for blanks, quotes, a country code, and the ".0" of a float column. */
static int fills(const view_t *v, i64 start, i64 stop, int kind) {
    i64 left = start - 1, right = stop;
    for (int c = at(v, left); c && strchr(kind == MOBILE ? " \t\"'=+-860" : " \t\"'=", c); c = at(v, left)) left--;
    if (left >= v->lo) return 0;
    if (at(v, right) == '.')
        for (right++; at(v, right) == '0'; right++) {}
    for (int c = at(v, right); c && strchr(" \t\"'\r", c); c = at(v, right)) right++;
    return right >= v->hi;
}

static int put(view_t *v, i64 start, i64 stop, int kind, int flags, u64 value) {
    hits_t *h = v->hits;
    if (h->count >= h->cap) return 0;
    if (v->row >= 0 && fills(v, start, stop, kind)) flags |= FULL;
    h->start[h->count] = start;
    h->stop[h->count] = stop;
    h->kind[h->count] = (u8)kind;
    h->flags[h->count] = (u8)flags;
    h->value[h->count] = value;
    h->row[h->count] = v->row < 0 ? 0 : v->row;
    h->count++;
    return 1;
}

static int luhn(const u8 *digits, int n) {
    static const u8 twice[10] = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
    int total = 0, i = n - 1;
    for (; i > 0; i -= 2) total += digits[i] + twice[digits[i - 1]];
    if (i == 0) total += digits[0];
    return total % 10 == 0;
}

static u64 number(const u8 *digits, int n) {
    u64 high = 0, low = 0, scale = 1; /* two halves at once: each step waits for the one before */
    int half = n / 2;
    for (int i = 0; i < half; i++) {
        high = high * 10 + digits[i];
        low = low * 10 + digits[half + i];
        scale *= 10;
    }
    if (n % 2) low = low * 10 + digits[n - 1], scale *= 10;
    return high * scale + low;
}

static int six(const u8 *d) {
    return d[0] * 100000 + d[1] * 10000 + d[2] * 1000 + d[3] * 100 + d[4] * 10 + d[5];
}

/* 0 not issued, 1 broad, 2 strict. */
static int issuer(const view_t *v, const u8 *digits, int n) {
    if (n < 12 || n > 19) return 0;
    unsigned lengths = v->tables->issuer[six(digits)], bit = 1u << (n - 12);
    return lengths & bit ? 2 : (lengths >> 8) & bit ? 1 : 0;
}

static int real_date(int year, int month, int day) {
    static const u8 days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) return 0;
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month] + (month == 2 && leap);
}

/* 17 digits: region and date of GB 11643. 0 no, 1 province only, 2 known region. */
static int id_body(const view_t *v, const u8 *d) {
    int year = d[6] * 1000 + d[7] * 100 + d[8] * 10 + d[9];
    if (year < 1900 || year > 2049 || !real_date(year, d[10] * 10 + d[11], d[12] * 10 + d[13])) return 0;
    return v->tables->region[six(d)];
}

/* ISO 7064 MOD 11-2 over 17 digits; 10 stands for X. */
static int id_check(const u8 *d) {
    static const u8 weight[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int total = 0;
    for (int i = 0; i < 17; i++) total += d[i] * weight[i];
    return (12 - total % 11) % 11;
}

/* Track 1 (name after ^) or track 2 (= and seven digits) right after a card: returns the end, or stop. ISO/IEC 7813. */
static i64 track_end(const view_t *v, i64 start, i64 stop) {
    i64 p = stop;
    if (at(v, p) == '=' || at(v, p) == 'D') {
        i64 q = p + 1;
        while (q - p <= RUN_MAX && is_digit(at(v, q))) q++;
        int month = (at(v, p + 3) - '0') * 10 + at(v, p + 4) - '0';
        if (q - p > 7 && month >= 1 && month <= 12) return at(v, q) == '?' ? q + 1 : q;
    } else if (at(v, p) == '^' && at(v, start - 1) == 'B') {
        i64 q = p + 1;
        while (q - p <= 27 && at(v, q) >= 32 && at(v, q) != '^') q++;
        if (at(v, q) != '^') return stop;
        i64 r = q + 1;
        while (r - q <= RUN_MAX && is_digit(at(v, r))) r++;
        if (r - q > 7) return at(v, r) == '?' ? r + 1 : r;
    }
    return stop;
}

/* Length of the separator at p, 0 for none; *what tells one separator from another. Folding made other blanks ' '. */
static int gap_at(const view_t *v, i64 p, int *what) {
    static const char *spelled[] = {"%20", "%2b", "%2d", "%c2%a0", "%e3%80%80", "&nbsp;", "&#160;", "\\u00a0", "\\u3000", 0};
    int c = at(v, p);
    if (c == ' ' || c == '-' || c == '+' || c == '.') {
        *what = c;
        return 1;
    }
    if (c == '%' || c == '&' || c == '\\')
        for (int i = 0; spelled[i]; i++)
            if (word_is(v, p, spelled[i])) {
                *what = 256 + i;
                return (int)strlen(spelled[i]);
            }
    return 0;
}

/* Length of the separator what that ends at p, 0 if it does not. */
static int gap_before(const view_t *v, i64 p, int what) {
    for (int back = 1; back <= 9; back++) {
        int its = 0;
        if (gap_at(v, p - back, &its) == back && its == what) return back;
    }
    return 0;
}

typedef struct {
    u8 digit[RUN_MAX * GROUPS_MAX + 48];
    i64 start[GROUPS_MAX], stop[GROUPS_MAX];
    int size[GROUPS_MAX];
    int count, gap; /* gap: the separator, 0 for a single group */
} groups_t;

/* The digits from start on, RUN_MAX at most, as numbers; returns how many. out has room for three blocks of 16. */
static int take_digits(const view_t *v, i64 start, u8 *out) {
    const u8 *text = v->data + start;
    i64 there = v->hi - start;
    int n = 0;
#if defined(__SSE2__)
    if (there >= 48) {
        for (int at = 0; at < 48; at += 16) {
            __m128i x = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)(text + at)), _mm_set1_epi8('0'));
            _mm_storeu_si128((__m128i *)(void *)(out + at), x);
            unsigned good = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_subs_epu8(x, _mm_set1_epi8(9)), _mm_setzero_si128()));
            if (good != 0xffff) {
                n = at + __builtin_ctz(~good);
                break;
            }
            n = at + 16;
        }
        return n < RUN_MAX ? n : RUN_MAX;
    }
#endif
    int most = there < RUN_MAX ? (int)there : RUN_MAX;
    for (unsigned digit; n < most && (digit = (unsigned)text[n] - '0') < 10; n++) out[n] = (u8)digit;
    return n;
}

/* Rule 2: the run at start and those that follow with the same separator. */
static void collect(const view_t *v, i64 start, groups_t *g) {
    int separator = 0, total = 0;
    g->count = g->gap = 0;
    while (g->count < GROUPS_MAX) {
        int k = g->count, n = take_digits(v, start, g->digit + total);
        i64 p = start + n;
        g->start[k] = start;
        g->stop[k] = p;
        g->size[k] = n;
        g->count = k + 1;
        total += n;
        if (k == 0 && n != 3 && n != 4 && n != 6) return; /* no shape begins so */
        int what = 0, width = gap_at(v, p, &what);
        if (n >= RUN_MAX || !width || (separator && what != separator)) return;
        if (!is_digit(at(v, p + width))) return;
        g->gap = separator = what;
        start = p + width;
    }
}

/* Try groups [0, n) as one card. Returns the end of what was reported, 0 for nothing. Notes an issuer match in *missed. */
static i64 try_card(view_t *v, const groups_t *g, int n, int digits, int *missed) {
    i64 start = g->start[0], stop = g->stop[n - 1];
    int evidence = issuer(v, g->digit, digits);
    int grouped = n > 1 ? GROUPED : 0;
    if (!evidence) return 0;
    if (!luhn(g->digit, digits)) {
        if (!*missed && open_right(v, stop)) *missed = n;
        return 0;
    }
    i64 end = track_end(v, start, stop);
    int strict = evidence == 2 ? STRICT : 0;
    if (end > stop) {
        i64 from = start;
        if (at(v, from - 1) == ';') from--;
        if (at(v, from - 1) == 'B' && at(v, from - 2) == '%') from -= 2;
        if (from != start || at(v, stop) != '^') {
            put(v, from, end, TRACK, strict | grouped, number(g->digit, digits));
            return end;
        }
    }
    if (!open_right(v, stop)) return 0;
    put(v, start, stop, PAN, strict | grouped, number(g->digit, digits));
    return stop;
}

/* 18 digits (or 17 and X) in groups [0, n). */
static i64 try_id(view_t *v, const groups_t *g, int n, int digits, int *missed) {
    i64 stop = g->stop[n - 1];
    int last, body;
    if (digits == 18) {
        last = g->digit[17];
    } else if (digits == 17 && (at(v, stop) == 'X' || at(v, stop) == 'x')) {
        last = 10;
        stop++;
    } else {
        return 0;
    }
    if (!open_right(v, stop)) return 0;
    body = id_body(v, g->digit);
    if (!body) return 0;
    u64 value = number(g->digit, 17) * 11 + (u64)last;
    int flags = (body == 2 ? STRICT : 0) | (n > 1 ? GROUPED : 0);
    if (id_check(g->digit) != last) {
        if (body == 2) {
            put(v, g->start[0], stop, MISS_ID, flags, 0);
            *missed = -1;
        }
        return 0;
    }
    if (digits == 18 && issuer(v, g->digit, 18) && luhn(g->digit, 18)) flags |= ALSO;
    put(v, g->start[0], stop, NATIONAL_ID, flags, value);
    return stop;
}

/* 11 digits, or with the country code 86; groups 3-4-4 or one run. */
static i64 try_mobile(view_t *v, const groups_t *g, int n, int skip, int grouped) {
    const u8 *d = g->digit + skip;
    if (d[0] != 1 || d[1] < 3) return 0;
    if (!open_right(v, g->stop[n - 1])) return 0;
    int strict = v->tables->mobile[d[0] * 100 + d[1] * 10 + d[2]] ? STRICT : 0;
    put(v, g->start[0] + (skip && !grouped ? skip : 0), g->stop[n - 1], MOBILE, strict | grouped, number(d, 11));
    return g->stop[n - 1];
}

/* Area code and number of a fixed line, as the numbering plan of China (YD/T 1131) has them: 010, 02X, 03XX to 09XX. */
static i64 try_landline(view_t *v, const groups_t *g) {
    const u8 *d = g->digit;
    int area = g->size[0], local = g->size[1];
    int three = area == 3 && local == 8 && ((d[1] == 1 && d[2] == 0) || d[1] == 2);
    int four = area == 4 && (local == 7 || local == 8) && d[1] >= 3;
    if (!(three || four) || d[area] < 2 || d[area] > 8 || (g->gap != '-' && g->gap != ' ')) return 0;
    if (!open_right(v, g->stop[1])) return 0;
    put(v, g->start[0], g->stop[1], LANDLINE, GROUPED, number(d, area + local));
    return g->stop[1];
}

/* GB 32100: 18 letters and digits, the last a check character (MOD 31); region as in GB/T 2260. Runs of digits head it. */
static i64 try_uscc(view_t *v, i64 start, const groups_t *g) {
    static const char letters[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    static const u8 weight[17] = {1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28};
    const u8 *d = g->digit;
    int total = 0, last = 0, region;
    u64 hash = 14695981039346656037ull;
    if (!(d[0] == 9 && d[1] >= 1 && d[1] <= 3) && !((d[0] == 1 || d[0] == 5) && ((d[1] >= 1 && d[1] <= 3) || d[1] == 9)))
        return 0;
    region = v->tables->region[six(d + 2)];
    if (!region) return 0;
    for (int i = 0; i < 18; i++) {
        int c = at(v, start + i);
        const char *found = c ? strchr(letters, c) : 0;
        if (!found) return 0;
        if (i < 17) total += (int)(found - letters) * weight[i];
        else last = (int)(found - letters);
        hash = (hash ^ (u64)c) * 1099511628211ull;
    }
    if (last != (31 - total % 31) % 31 || !open_right(v, start + 18)) return 0;
    put(v, start, start + 18, USCC, region == 2 ? STRICT : 0, hash);
    return start + 18;
}

/* Whether exactly four digits end at p. */
static int four_before(const view_t *v, i64 p) {
    for (int back = 1; back <= 4; back++)
        if (!is_digit(at(v, p - back))) return 0;
    return !is_digit(at(v, p - 5)) || percent_at(v, p - 7);
}

static int shape(const groups_t *g, int n, const int *sizes) {
    if (g->count < n) return 0;
    for (int i = 0; i < n; i++)
        if (g->size[i] != sizes[i]) return 0;
    return 1;
}

/* The whole of rule 2 at one start. Returns where to go on. */
static i64 try_here(view_t *v, i64 start) {
    static const int s_6_13[] = {6, 13}, s_4_6_5[] = {4, 6, 5}, s_4_6_4[] = {4, 6, 4}, s_6_8_4[] = {6, 8, 4},
                     s_6_8_3[] = {6, 8, 3}, s_3_4_4[] = {3, 4, 4};
    groups_t g;
    i64 end = 0;
    int missed = 0;
    collect(v, start, &g);
    i64 next = g.stop[0];
    if (g.size[0] >= RUN_MAX) {
        while (is_digit(at(v, next))) next++;
        return next;
    }
    int track = at(v, start - 1) == 'B' && at(v, start - 2) == '%';
    if (!open_left(v, start) && !track) return next;
    if (g.count >= 2) {
        int dotted = g.gap == '.'; /* a dot joins fours only, and none may follow: 1234.5678 is a decimal */
        if (shape(&g, 4, (const int[]){4, 4, 4, 4})) {
            int fours = 4;
            while (fours < g.count && g.size[fours] == 4) fours++;
            i64 p = start; /* Rule 3 for groups: six or more groups of four are something else. */
            for (int width; fours < 6 && (width = gap_before(v, p, g.gap)) > 0 && four_before(v, p - width); fours++)
                p -= width + 4;
            int longer = g.count > 4 && g.size[4] <= 3;
            if (fours < 6 && !(dotted && g.count > 4 + longer)) {
                if (longer) end = try_card(v, &g, 5, 16 + g.size[4], &missed);
                if (!end && !(dotted && longer)) end = try_card(v, &g, 4, 16, &missed);
                if (!end && missed) missed = 4;
            }
        } else if (shape(&g, 3, s_3_4_4)) {
            if (!(dotted && g.count > 3)) end = try_mobile(v, &g, 3, 0, GROUPED);
        } else if (dotted) {
            end = 0;
        } else if (shape(&g, 2, s_6_13)) {
            end = try_card(v, &g, 2, 19, &missed);
        } else if (shape(&g, 3, s_4_6_5)) {
            end = try_card(v, &g, 3, 15, &missed);
        } else if (shape(&g, 3, s_4_6_4)) {
            end = try_card(v, &g, 3, 14, &missed);
        } else if (shape(&g, 3, s_6_8_4)) {
            end = try_id(v, &g, 3, 18, &missed);
        } else if (shape(&g, 3, s_6_8_3)) {
            end = try_id(v, &g, 3, 17, &missed);
        } else if (g.digit[0] == 0) {
            end = try_landline(v, &g);
        }
        if (end) return end;
    }
    int n = g.size[0];
    if (n == 18 || n == 17) end = try_id(v, &g, 1, n, &missed);
    if (!end && n >= 8 && n <= 18) end = try_uscc(v, start, &g);
    if (!end && n >= 12 && n <= 19) end = try_card(v, &g, 1, n, &missed);
    if (!end && n == 15 && open_right(v, g.stop[0]) && v->tables->region[six(g.digit)] == 2 &&
        real_date(1900 + g.digit[6] * 10 + g.digit[7], g.digit[8] * 10 + g.digit[9], g.digit[10] * 10 + g.digit[11])) {
        put(v, start, g.stop[0], ID_15, STRICT, number(g.digit, 15));
        end = g.stop[0];
    }
    if (!end && n == 11) end = try_mobile(v, &g, 1, 0, 0);
    if (!end && n == 13 && g.digit[0] == 8 && g.digit[1] == 6) end = try_mobile(v, &g, 1, 2, 0);
    if (!end && n == 15 && g.digit[0] == 0 && g.digit[1] == 0 && g.digit[2] == 8 && g.digit[3] == 6)
        end = try_mobile(v, &g, 1, 4, 0);
    if (end) return end;
    if (missed > 0)
        put(v, start, g.stop[missed - 1], MISS_PAN, missed > 1 ? GROUPED : 0, 0);
    return next;
}

/* ISO 13616: letters, check digits, BBAN; single spaces after every fourth character are allowed. */
static void try_iban(view_t *v, i64 start) {
    int length = v->tables->iban[(at(v, start) - 'A') * 26 + at(v, start + 1) - 'A'];
    u8 text[36];
    int n = 0, spaced = 0;
    i64 p = start;
    if (!length || !open_left(v, start)) return;
    while (n < length) {
        int c = at(v, p);
        if (c == ' ' && n % 4 == 0 && n > 0 && at(v, p - 1) != ' ') {
            spaced = GROUPED;
        } else if (is_digit(c) || is_upper(c)) {
            text[n++] = (u8)c;
        } else {
            return;
        }
        p++;
    }
    if (!open_right(v, p)) return;
    unsigned rest = 0;
    u64 hash = 14695981039346656037ull;
    for (int i = 0; i < length; i++) {
        int c = text[(i + 4) % length];
        rest = is_digit(c) ? (rest * 10 + (unsigned)(c - '0')) % 97 : (rest * 100 + (unsigned)(c - 'A' + 10)) % 97;
        hash = (hash ^ text[i]) * 1099511628211ull;
    }
    if (rest == 1) put(v, start, p, IBAN, STRICT | spaced, hash);
}

static u64 fnv(const view_t *v, i64 from, i64 to) {
    u64 hash = 14695981039346656037ull;
    for (i64 p = from; p < to; p++) hash = (hash ^ (u64)at(v, p)) * 1099511628211ull;
    return hash;
}

static int is_local(int c) { return is_word(c) || (c && strchr(".%+-", c)); }

/* Whether the at sign at p ends the user part of a URL; a password in it (RFC 3986 3.2.1) is reported. */
static int try_userinfo(view_t *v, i64 p) {
    i64 q = p, colon = 0;
    for (; p - q < 200; q--) {
        int c = at(v, q - 1);
        if (c <= ' ' || c == '/' || c == '@' || c == '"' || c == '\'' || c == '<' || c == '>') break;
        if (c == ':') colon = q - 1;
    }
    if (at(v, q - 1) != '/' || at(v, q - 2) != '/' || at(v, q - 3) != ':') return 0;
    int next = at(v, p + 1), first = colon ? at(v, colon + 1) : 0;
    if (!is_word(next) && next != '[') return 1;
    if (!colon || colon + 1 == p || (first && strchr("${<*", first))) return 1;
    put(v, colon + 1, p, PASSWORD, STRICT, fnv(v, colon + 1, p));
    return 1;
}

/* An e-mail address around the at sign at p: RFC 5322 dot-atom, a domain of two labels at least, no name of a picture. */
static void try_email(view_t *v, i64 p) {
    static const char *files[] = {"png", "jpg", "jpeg", "gif", "svg", "webp", "js", "css", "json", "html", 0};
    i64 left = p, right = p + 1, dot = 0;
    if (try_userinfo(v, p)) return;
    while (p - left < 64 && is_local(at(v, left - 1))) left--;
    if (escape_at(v, left - 1)) left += 5;
    else if (at(v, left - 1) == '\\' && strchr("nrt", at(v, left))) left++;
    while (left < p && !is_word(at(v, left))) left++;
    if (left == p || !is_word(at(v, p - 1))) return;
    while (right - p < 255) {
        int c = at(v, right);
        if (c == '.' && right > p + 1 && is_word(at(v, right + 1)) && at(v, right + 1) != '_' && at(v, right - 1) != '-') dot = right;
        else if (!(is_digit(c) || is_letter(c) || (c == '-' && right > p + 1))) break;
        right++;
    }
    if (at(v, right - 1) == '-') right--;
    if (!dot || right - dot < 3 || right - dot > 25 || at(v, right) == '@' || at(v, right) == '_') return;
    for (i64 q = dot + 1; q < right; q++)
        if (!is_letter(at(v, q))) return;
    for (int i = 0; files[i]; i++)
        if (right - dot - 1 == (i64)strlen(files[i]) && word_is(v, dot + 1, files[i])) return;
    u64 hash = 14695981039346656037ull;
    for (i64 q = left; q < right; q++) {
        int c = at(v, q);
        hash = (hash ^ (u64)(is_upper(c) ? c + 32 : c)) * 1099511628211ull;
    }
    put(v, left, right, EMAIL, STRICT, hash);
}

typedef struct { u64 digit, upper, at; } mask_t;

static mask_t masks(const u8 *p) {
    mask_t m = {0, 0, 0};
#if defined(__SSE2__)
    for (int i = 0; i < 4; i++) {
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
        /* Signed compare after a shift of the range to the bottom. */
        __m128i d = _mm_cmplt_epi8(_mm_add_epi8(b, _mm_set1_epi8((char)(0x80 - '0'))), _mm_set1_epi8((char)(0x80 + 10)));
        __m128i u = _mm_cmplt_epi8(_mm_add_epi8(b, _mm_set1_epi8((char)(0x80 - '@'))), _mm_set1_epi8((char)(0x80 + 27)));
        u64 signs = (u64)(uint32_t)_mm_movemask_epi8(u);
        m.digit |= (u64)(uint32_t)_mm_movemask_epi8(d) << (16 * i);
        if (!signs) continue;
        u64 ats = (u64)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(b, _mm_set1_epi8('@')));
        m.upper |= (signs & ~ats) << (16 * i);
        m.at |= ats << (16 * i);
    }
#else
    for (int i = 0; i < 64; i++) {
        m.digit |= (u64)is_digit(p[i]) << i;
        m.upper |= (u64)is_upper(p[i]) << i;
        m.at |= (u64)(p[i] == '@') << i;
    }
#endif
    return m;
}

static mask_t block(const view_t *v, i64 place) {
    if (place + 64 <= v->hi) return masks(v->data + place);
    if (place >= v->hi) return (mask_t){0, 0, 0};
    u8 padded[64] = {0};
    memcpy(padded, v->data + place, (size_t)(v->hi - place));
    return masks(padded);
}

static u64 ahead(u64 now, u64 next, int by) { return now >> by | next << (64 - by); }

/* A run of digits as it stands and, where nothing is found so, without the escape that it begins in. */
static i64 try_readings(view_t *v, i64 p) {
    i64 own = past_escape(v, p), kept = v->hits->count;
    if (own != p) return is_digit(at(v, own)) ? try_here(v, own) : p;
    i64 end = try_here(v, p), inner = past_percent(v, p);
    for (int layer = 0; layer < 2 && inner != p && is_digit(at(v, inner)); layer++, inner += 2) {
        if (v->hits->count > kept && v->hits->kind[v->hits->count - 1] <= ID_15) return end;
        v->hits->count = kept;
        end = try_here(v, inner);
        if (at(v, p) != '2' || at(v, p + 1) != '5') break; /* %2520: an escape that was escaped */
    }
    return end;
}

/* The bits from a place on, in a word of their own. */
static u64 ahead_from(u64 now, u64 next, int bit) { return bit ? now >> bit | next << (64 - bit) : now; }

/*
 * Whether nothing can be found at p, whose digits are the low bits of run: a short run needs a second group of four
 * digits at least behind it, or the letters of a credit code. Says no when in doubt; most runs of a log end here.
 */
static int hopeless(const view_t *v, i64 p, u64 run) {
    int n = ~run ? __builtin_ctzll(~run) : 64;
    if (n >= 11 || p - 5 < v->lo || p + n + 6 > v->hi) return 0;
    const u8 *d = v->data + p;
    int c = d[n];
    if (d[-1] == '%' || d[-2] == '%' || d[-2] == '\\' || d[-3] == '\\' || d[-4] == '\\' || d[-5] == '\\' || c == '%' || c == '&' || c == '\\') return 0;
    if (n >= 8 && is_upper(c)) return 0;
    if (c != ' ' && c != '-' && c != '+' && c != '.') return 1;
    if (n != 3 && n != 4 && n != 6) return 1;
    return !(is_digit(d[n + 1]) && is_digit(d[n + 2]) && is_digit(d[n + 3]) && is_digit(d[n + 4]));
}

/* Scan [from, limit) of the view. Returns the first place not yet done (>= limit when complete). */
static i64 walk(view_t *v, i64 from, i64 limit) {
    i64 place = from, done = from;
    mask_t now = block(v, place), next;
    u64 before = is_digit(at(v, from - 1)) ? 1 : 0;
    for (; place < limit; place += 64, before = now.digit >> 63, now = next) {
        if (v->hits->count + 64 > v->hits->cap) return done > place ? done : place;
        next = block(v, place + 64);
        u64 d = now.digit;
        u64 d1 = ahead(d, next.digit, 1), d2 = ahead(d, next.digit, 2), d3 = ahead(d, next.digit, 3);
        u64 starts = d & ~(d << 1 | before) & d1 & d2;
        u64 letters = now.upper & ahead(now.upper, next.upper, 1) & d2 & d3;
        for (; letters; letters &= letters - 1) {
            i64 p = place + __builtin_ctzll(letters);
            if (p < limit) try_iban(v, p);
        }
        for (u64 signs = now.at; signs; signs &= signs - 1) {
            i64 p = place + __builtin_ctzll(signs);
            if (p < limit) try_email(v, p);
        }
        /* Runs of three only matter as the head of a mobile number in groups or of an area code. */
        u64 threes = starts & ~d3;
        for (; starts; starts &= starts - 1) {
            int bit = __builtin_ctzll(starts), what = 0;
            i64 p = place + bit;
            if (p < done || p >= limit) continue;
            if ((threes >> bit & 1) && (at(v, p) > '1' || !gap_at(v, p + 3, &what))) continue;
            if (hopeless(v, p, ahead_from(d, next.digit, bit))) continue;
            i64 end = try_readings(v, p);
            if (end > done) done = end;
        }
    }
    return done > limit ? done : limit;
}

/* Scan data[from:limit]; bytes outside that but inside [0, size) are context. Returns where to go on when the columns were full. */
EXPORT i64 tt_scan(const u8 *data, i64 size, i64 from, i64 limit, const tables_t *tables, hits_t *hits) {
    view_t v = {data, 0, size, -1, tables, hits};
    if (limit > size) limit = size;
    if (from < 0 || from >= limit) return limit;
    return walk(&v, from, limit);
}

/* Each cell is a text of its own: cell r is data[offsets[r]:offsets[r + 1]]. Returns the first row not done. */
EXPORT i64 tt_scan_cells(const u8 *data, const int64_t *offsets, i64 first, i64 rows, const tables_t *tables, hits_t *hits) {
    view_t v = {data, 0, 0, 0, tables, hits};
    for (i64 row = first; row < rows; row++) {
        v.lo = offsets[row];
        v.hi = offsets[row + 1];
        v.row = row;
        if (v.hi - v.lo < 11) continue;
        i64 kept = hits->count;
        if (walk(&v, v.lo, v.hi) < v.hi || hits->count + 64 > hits->cap) {
            if (kept > 0 || hits->count < hits->cap) {
                if (kept == 0) return row + 1; /* one cell fills the columns: its first hits stand for it */
                hits->count = kept;
                return row;
            }
        }
    }
    return rows;
}

/* Bytes between a label and its value. */
static i64 skip_gap(const view_t *v, i64 p) {
    i64 limit = p + 10;
    while (p < limit) {
        int c = at(v, p);
        if (c && strchr(" \t\"':=>(,#/[\\", c)) p++;
        else if (word_is(v, p, "\xef\xbc\x9a") || word_is(v, p, "\xe6\x98\xaf") || word_is(v, p, "\xe4\xb8\xba")) p += 3;
        else break;
    }
    return p;
}

static int run_length(const view_t *v, i64 p, int most) {
    int n = 0;
    while (n <= most && is_digit(at(v, p + n))) n++;
    return n;
}

static int value_at(const view_t *v, i64 p, int n) {
    int value = 0;
    for (int i = 0; i < n; i++) value = value * 10 + at(v, p + i) - '0';
    return value;
}

static int ends_value(const view_t *v, i64 stop) {
    int c = at(v, stop);
    if (is_word(c)) return 0;
    return !((c == '.' || c == '-' || c == '/') && is_digit(at(v, stop + 1)));
}

/* The end of the label at p: kind in *kind, or p when there is none. */
static i64 label_at(const view_t *v, i64 p, int *kind) {
    static const char *cvv[] = {"cvv2", "cvv", "cvn2", "cvn", "cvc2", "cvc", "security code", "security_code", "securitycode",
                                "\xe5\xae\x89\xe5\x85\xa8\xe7\xa0\x81", "\xe6\xa0\xa1\xe9\xaa\x8c\xe7\xa0\x81",
                                "\xe5\x90\x8e\xe4\xb8\x89\xe4\xbd\x8d", 0};
    static const char *expiry[] = {"expiration", "expires", "expired", "expiry", "expire", "exp", "valid thru", "validthru",
                                   "valid_thru", "\xe6\x9c\x89\xe6\x95\x88\xe6\x9c\x9f", 0};
    int c = at(v, p), before = at(v, p - 1), second = at(v, p + 1) | 0x20;
    switch (c | 0x20) { /* all labels begin with one of these pairs; most letters of a text are gone here */
    case 'c': if (second != 'v') return p; break;
    case 's': if (second != 'e') return p; break;
    case 'e': if (second != 'x') return p; break;
    case 'v': if (second != 'a') return p; break;
    default: break;
    }
    if (is_letter(c) && is_letter(before) && !(is_lower(before) && is_upper(c)) &&
        !((before == 'n' || before == 'r' || before == 't') && at(v, p - 2) == '\\'))
        return p;
    for (int i = 0; cvv[i]; i++)
        if (word_is(v, p, cvv[i])) {
            *kind = CVV;
            return p + (i64)strlen(cvv[i]);
        }
    for (int i = 0; expiry[i]; i++)
        if (word_is(v, p, expiry[i])) {
            i64 q = p + (i64)strlen(expiry[i]);
            *kind = EXPIRY;
            if (at(v, q) == '_' || at(v, q) == ' ') {
                if (word_is(v, q + 1, "date")) return q + 5;
            } else if (word_is(v, q, "date")) {
                return q + 4;
            }
            return q;
        }
    return p;
}

static int month_ok(int month) { return month >= 1 && month <= 12; }
static int year_ok(int year) { return year >= 2000 && year <= 2099; }

/* The end of an expiry date at p, or p. Value = year * 100 + month. */
static i64 expiry_at(const view_t *v, i64 p, u64 *value) {
    int n = run_length(v, p, 6), year = 0, month = 0;
    i64 stop = p + n;
    int c = at(v, stop);
    if (n == 4 && c != '/' && c != '-') {
        int a = value_at(v, p, 2), b = value_at(v, p + 2, 2);
        if (month_ok(a)) month = a, year = 2000 + b;
        else if (month_ok(b)) month = b, year = 2000 + a;
    } else if (n == 6) {
        int a = value_at(v, p, 4), b = value_at(v, p, 2);
        if (year_ok(a)) year = a, month = value_at(v, p + 4, 2);
        else month = b, year = value_at(v, p + 2, 4);
    } else if ((n == 1 || n == 2 || n == 4) && (c == '/' || c == '-')) {
        int m = run_length(v, stop + 1, 4), a = value_at(v, p, n), b = m ? value_at(v, stop + 1, m) : 0;
        stop += 1 + m;
        if (n <= 2 && m == 2) month = a, year = 2000 + b;
        else if (n <= 2 && m == 4) month = a, year = b;
        else if (n == 4 && m <= 2 && m) year = a, month = b;
    }
    if (!month_ok(month) || !year_ok(year) || !ends_value(v, stop)) return p;
    *value = (u64)(year * 100 + month);
    return stop;
}

/* Labelled codes and dates within reach bytes of the cards [start, stop) given in order. Each label is read once. */
EXPORT i64 tt_beside(const u8 *data, i64 size, const i64 *start, const i64 *stop, i64 cards, i64 reach, hits_t *hits) {
    static const u8 begins[256] = {['c'] = 1, ['C'] = 1, ['s'] = 1, ['S'] = 1, ['e'] = 1, ['E'] = 1, ['v'] = 1, ['V'] = 1,
                                   [0xe5] = 1, [0xe6] = 1};
    view_t v = {data, 0, size, -1, 0, hits};
    i64 done = 0, card = 0;
    for (; card < cards; card++) {
        i64 p = start[card] - reach, limit = stop[card] + reach;
        if (p < done) p = done;
        if (limit > size) limit = size;
        for (; p < limit; p++) {
            int kind = 0;
            if (p >= start[card] && p < stop[card]) {
                p = stop[card] - 1;
                continue;
            }
            i64 halt = p < start[card] && start[card] < limit ? start[card] : limit;
            while (p < halt && !begins[data[p]]) p++;
            if (p >= halt) {
                p--;
                continue;
            }
            if (hits->count >= hits->cap) return card;
            i64 q = label_at(&v, p, &kind);
            if (q == p) continue;
            q = skip_gap(&v, q);
            if (kind == CVV) {
                int n = run_length(&v, q, 4);
                if ((n == 3 || n == 4) && ends_value(&v, q + n)) put(&v, q, q + n, CVV, STRICT, (u64)value_at(&v, q, n));
            } else {
                u64 value = 0;
                i64 end = expiry_at(&v, q, &value);
                if (end > q) put(&v, q, end, EXPIRY, STRICT, value);
            }
            p = q - 1;
        }
        done = p;
    }
    return card;
}

/*
 * What stands before each hit: the label word (offset, length), or, when there is none, the number of separators since
 * the line began (field, at most 65535). hash groups equal labels: letters lowered, digits left out.
 */
EXPORT void tt_context(const u8 *data, i64 size, const i64 *start, i64 count, i64 *word, i64 *length, u64 *hash) {
    view_t v = {data, 0, size, 0, 0, 0};
    for (i64 i = 0; i < count; i++) {
        i64 p = start[i], limit = p - 10;
        while (p > limit) {
            static const u8 blank[256] = {[' '] = 1, ['\t'] = 1, ['"'] = 1, ['\''] = 1, [':'] = 1, ['='] = 1, ['>'] = 1,
                                          ['('] = 1, ['{'] = 1, ['['] = 1, ['\\'] = 1, ['+'] = 1, ['-'] = 1};
            int c = at(&v, p - 1);
            if (blank[c]) p--;
            else if (c == 0x9a && word_is(&v, p - 3, "\xef\xbc\x9a")) p -= 3;
            else break;
        }
        i64 end = p;
        int letters = 0;
        while (end - p < 30) {
            int c = at(&v, p - 1);
            if (c >= 0x80) {
                i64 q = p - 1;
                while (q > p - 4 && (at(&v, q) & 0xc0) == 0x80) q--;
                if (at(&v, q) < 0xc0 || word_is(&v, q, "\xef\xbc") || word_is(&v, q, "\xe3\x80")) break;
                if (end - q > 18) break;
                p = q;
                letters = 1;
            } else if (is_word(c) || c == '-' || c == '.') {
                if (is_letter(c)) letters = 1;
                p--;
            } else {
                break;
            }
        }
        word[i] = p;
        length[i] = letters ? end - p : 0;
        u64 h = 14695981039346656037ull;
        if (letters) {
            for (i64 q = p; q < end; q++) {
                int c = at(&v, q);
                if (is_digit(c)) continue;
                u64 low = (u64)(is_upper(c) ? c + 32 : c);
                h = (h ^ low) * 1099511628211ull;
            }
            hash[i] = h;
        } else {
            static const u8 between[256] = {[','] = 1, ['\t'] = 1, ['|'] = 1, [';'] = 1};
            u64 field = 0;
            i64 q = start[i] < size ? start[i] : size, floor = start[i] > 1024 ? start[i] - 1024 : 0;
            for (; q > floor && data[q - 1] != '\n'; q--) field += between[data[q - 1]];
            hash[i] = field;
        }
    }
}

/*
 * Words: every place where one of many literals stands, in any case of ASCII. Python builds the tables. Windows of three
 * bytes are hashed at every second place; each literal (four bytes or more) has two of them, at 0 and at 1, so that one
 * falls on such a place. What passes the filter is compared with the literals of its bucket.
 */
typedef struct {
    const u8 *filter;      /* [8192] one bit for each hash of 16 */
    const int32_t *bucket; /* [65537] first entry of each hash */
    const int32_t *literal, *shift; /* by entry: which literal, and where in it the window lies */
    const i64 *begin;      /* [literals + 1] into bytes */
    const u8 *bytes;       /* in lower case */
} words_t;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_THREE(four) (__builtin_bswap32(four) & 0xffffffu)
#else
#define LOW_THREE(four) ((four) & 0xffffffu)
#endif

static inline unsigned passes(const u8 *filter, const u8 *p) {
    uint32_t four;
    memcpy(&four, p, 4);
    unsigned h = ((LOW_THREE(four) | 0x202020u) * 0x9E3779B1u) >> 16;
    return filter[h >> 3] >> (h & 7);
}

/* Whether any of the windows at p, p + 2, p + 4, p + 6 passes: one branch for eight bytes. */
static inline unsigned any_of_four(const u8 *filter, const u8 *p) {
    return (passes(filter, p) | passes(filter, p + 2) | passes(filter, p + 4) | passes(filter, p + 6)) & 1;
}

/* Literals that begin in [from, limit). Returns where to go on: limit, or less when the columns were full. */
EXPORT i64 tt_words(const u8 *data, i64 size, i64 from, i64 limit, const words_t *w, i64 *place, int32_t *which, i64 cap, i64 *count) {
    i64 last = size - 3, p = from;
    *count = 0;
    if (limit < size && last > limit) last = limit; /* a literal that begins at limit - 1 has a window at limit */
    for (; p <= last; p += 2) {
        uint32_t four = 0;
        while (p + 11 < size && p + 6 <= last && !any_of_four(w->filter, data + p)) p += 8;
        if (p > last) break;
        if (p < size - 3) memcpy(&four, data + p, 4);
        else memcpy(&four, data + p, 3);
        unsigned h = ((LOW_THREE(four) | 0x202020u) * 0x9E3779B1u) >> 16;
        if (!(w->filter[h >> 3] >> (h & 7) & 1)) continue;
        if (*count + (w->bucket[h + 1] - w->bucket[h]) > cap) return p > from ? p - 1 : p;
        for (int32_t e = w->bucket[h]; e < w->bucket[h + 1]; e++) {
            int32_t id = w->literal[e];
            i64 start = p - w->shift[e], length = w->begin[id + 1] - w->begin[id], i = 0;
            const u8 *text = w->bytes + w->begin[id];
            if (start < from || start >= limit || start + length > size) continue;
            for (; i < length; i++) {
                int c = data[start + i];
                if ((is_upper(c) ? c + 32 : c) != text[i]) break;
            }
            if (i < length) continue;
            place[*count] = start;
            which[*count] = id;
            ++*count;
        }
    }
    return limit;
}

/* The character of three bytes that begins at p, if it is a Han character of the basic block: its place there, or -1. */
static int han_at(const view_t *v, i64 p) {
    int a = at(v, p), b = at(v, p + 1), c = at(v, p + 2);
    if (a < 0xe4 || a > 0xe9 || (b & 0xc0) != 0x80 || (c & 0xc0) != 0x80) return -1;
    return ((a & 15) << 12 | (b & 63) << 6 | (c & 63)) - 0x4e00;
}

/* Bytes of the mark between a name and a number that begins at p, 0 for none. */
static int mark_at(const view_t *v, i64 p) {
    static const char *wide[] = {"\xef\xbc\x8c", "\xe3\x80\x81", "\xef\xbc\x9a", "\xef\xbc\x88", "\xef\xbc\x89", "\xef\xbc\x9b", 0};
    int c = at(v, p);
    if (c && strchr(" \t,|:;()\"'/", c)) return 1;
    if (c == 0xef || c == 0xe3)
        for (int i = 0; wide[i]; i++)
            if (word_is(v, p, wide[i])) return 3;
    return 0;
}

enum { MARKS_MAX = 3 };

/* Runs of two to four Han characters right before or behind numbers, the first of them a surname (bits of surname). */
EXPORT i64 tt_names(const u8 *data, i64 size, const i64 *start, const i64 *stop, i64 count, const u8 *surname, i64 *from, i64 *to) {
    view_t v = {data, 0, size, -1, 0, 0};
    i64 found = 0;
    for (i64 i = 0; i < count; i++) {
        for (int behind = 0; behind < 2; behind++) {
            i64 head = behind ? stop[i] : start[i], tail;
            for (int marks = 0; marks < MARKS_MAX; marks++) {
                int width = behind ? mark_at(&v, head) : mark_at(&v, head - 1) == 1 ? 1 : mark_at(&v, head - 3) == 3 ? 3 : 0;
                if (!width) break;
                head += behind ? width : -width;
            }
            tail = head;
            int n = 0;
            if (behind)
                for (; n < 5 && han_at(&v, tail) >= 0; n++) tail += 3;
            else
                for (; n < 5 && han_at(&v, head - 3) >= 0; n++) head -= 3;
            if (n < 2 || n > 4) continue;
            int first = han_at(&v, head);
            if (!(surname[first >> 3] >> (first & 7) & 1)) continue;
            from[found] = head;
            to[found++] = tail;
        }
    }
    return found;
}

/*
 * Which group each key is in, numbered in the order of coming; first: where each group came first. Returns how many groups
 * there are, -1 when there are more than cap (2048 at most).
 */
EXPORT i64 tt_groups(const u64 *key, i64 count, uint16_t *group, i64 *first, i64 cap) {
    enum { SLOTS = 8192 };
    uint16_t slot[SLOTS];
    i64 groups = 0;
    memset(slot, 0xff, sizeof slot);
    if (cap > SLOTS / 4) cap = SLOTS / 4;
    for (i64 i = 0; i < count; i++) {
        unsigned at = (unsigned)((key[i] * 0x9E3779B97F4A7C15ull) >> 51);
        for (; slot[at] != 0xffff && key[first[slot[at]]] != key[i]; at = (at + 1) % SLOTS) {}
        if (slot[at] == 0xffff) {
            if (groups >= cap) return -1;
            first[groups] = i;
            slot[at] = (uint16_t)groups++;
        }
        group[i] = slot[at];
    }
    return groups;
}

/* Keyed 64-bit digest of each cell, for distinct counts that end with the scan. Not cryptographic. */
EXPORT void tt_digest_cells(const u8 *data, const int64_t *offsets, i64 rows, u64 key, u64 *out) {
    for (i64 row = 0; row < rows; row++) {
        u64 h = key ^ 14695981039346656037ull;
        for (i64 p = offsets[row]; p < offsets[row + 1]; p++) h = (h ^ data[p]) * 1099511628211ull;
        h ^= h >> 32;
        h *= 0xd6e8feb86659fd93ull;
        h ^= h >> 32;
        out[row] = h;
    }
}

enum { NO_WIDTH = 1 };

/* The ASCII of what folding.py lists at p, NO_WIDTH for what is left out, 0 for anything else. size: bytes that exist. */
static int folded(const u8 *p, i64 size) {
    if (size < 2) return 0;
    if (p[0] == 0xc2) return p[1] == 0xa0 ? ' ' : p[1] == 0xad ? NO_WIDTH : 0;
    if (size < 3) return 0;
    if (p[0] == 0xe2) {
        if (p[1] == 0x80) {
            if (p[2] <= 0x8a || p[2] == 0xaf) return p[2] >= 0x80 ? ' ' : 0;
            if (p[2] <= 0x8d) return NO_WIDTH;
            return p[2] >= 0x90 && p[2] <= 0x95 ? '-' : 0;
        }
        if (p[1] == 0x81) return p[2] == 0x9f ? ' ' : p[2] == 0xa0 ? NO_WIDTH : 0;
        return p[1] == 0x88 && p[2] == 0x92 ? '-' : 0;
    }
    if (p[0] == 0xe3) return p[1] == 0x80 && p[2] == 0x80 ? ' ' : 0;
    if (p[0] != 0xef) return 0;
    if (p[1] == 0xbb) return p[2] == 0xbf ? NO_WIDTH : 0;
    if (p[1] == 0xbd) return p[2] == 0x98 ? 'x' : 0;
    if (p[1] != 0xbc) return 0;
    if (p[2] >= 0x90 && p[2] <= 0x99) return p[2] - 0x60;
    return p[2] == 0x8d ? '-' : p[2] == 0xb8 ? 'X' : p[2] == 0x8b ? '+' : p[2] == 0x8e ? '.' : 0;
}

/* The first place at or after from where something folds, size if nothing does. */
static i64 next_fold(const u8 *data, i64 size, i64 from) {
    i64 p = from;
    while (p < size) {
#if defined(__SSE2__)
        while (p + 18 <= size) {
            __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(data + p));
            __m128i two = _mm_or_si128(_mm_cmpeq_epi8(b, _mm_set1_epi8((char)0xef)), _mm_cmpeq_epi8(b, _mm_set1_epi8((char)0xe3)));
            __m128i four = _mm_or_si128(_mm_cmpeq_epi8(b, _mm_set1_epi8((char)0xe2)), _mm_cmpeq_epi8(b, _mm_set1_epi8((char)0xc2)));
            int lead = _mm_movemask_epi8(_mm_or_si128(two, four));
            for (; lead; lead &= lead - 1) {
                i64 q = p + __builtin_ctz((unsigned)lead);
                if (folded(data + q, size - q)) return q;
            }
            p += 16;
        }
#endif
        if (folded(data + p, size - p)) return p;
        p++;
    }
    return size;
}

/* Write data folded to out (size bytes); returns how many were written. out may be null: then size is returned when
 * nothing folds, and something less when something does. */
EXPORT i64 tt_fold(const u8 *data, i64 size, u8 *out) {
    i64 from = 0, written = 0;
    for (;;) {
        i64 place = next_fold(data, size, from);
        if (!out) return place;
        memcpy(out + written, data + from, (size_t)(place - from));
        written += place - from;
        if (place >= size) return written;
        int ascii = folded(data + place, size - place);
        if (ascii != NO_WIDTH) out[written++] = (u8)ascii;
        from = place + (data[place] == 0xc2 ? 2 : 3);
    }
}
