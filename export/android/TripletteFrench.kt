package triplette

import java.text.Normalizer
import java.util.Locale

/**
 * A question's ranking tokens, in one language. `tokens` must give what the bundle's posting lists were made with, or BM25 finds nothing.
 */
interface TripletteWords {
    fun tokens(text: String): List<String>
}

/**
 * French as `triplette.languages` cuts it: NFKC, lower case, elision and inverted pronouns off, stop words dropped, Snowball's stems
 * (version 3), accents folded. Compound words give the whole and the parts.
 *
 * `stopWords` come from the bundle (`stop_words.fr` of the table `meta`), so that they stand in one place.
 */
class TripletteFrench(private val stopWords: Set<String>) : TripletteWords {
    override fun tokens(text: String): List<String> {
        val found = ArrayList<String>()
        for (word in words(text)) {
            if (word in stopWords) continue
            found.add(token(word))
            if ('-' in word) {
                word.split('-').filter { it.isNotEmpty() && it !in stopWords }.mapTo(found) { token(it) }
            }
        }
        return found
    }

    /** Lower-case words and numbers in order; stop words are kept. */
    fun words(text: String): List<String> {
        val found = ArrayList<String>()
        for (match in WORD.findAll(lowerCase(normalise(text)))) {
            val word = match.value
            if ('\'' !in word && '-' !in word) found.add(word) else clip(word).split('\'').filterTo(found) { it.isNotEmpty() }
        }
        return found
    }

    private fun token(word: String) = if (Character.isDigit(word.codePointAt(0))) word else fold(TripletteFrenchStemmer(word).stem())

    private fun clip(word: String) = if (word in WHOLE) word else INVERSION.replaceFirst(ELISION.replaceFirst(word, ""), "")

    private fun normalise(text: String): String {
        val composed = Normalizer.normalize(text, Normalizer.Form.NFKC)
        val plain = StringBuilder(composed.length)
        for (c in composed) {
            when (c) {
                'œ' -> plain.append("oe")
                'Œ' -> plain.append("Oe")
                'æ' -> plain.append("ae")
                'Æ' -> plain.append("Ae")
                '’', '‘', 'ʼ' -> plain.append('\'')
                '‐', '‑' -> plain.append('-')
                '\u00ad' -> Unit
                else -> plain.append(c)
            }
        }
        return plain.toString()
    }

    // Java's own: Kotlin's function has another name in each of its versions
    @Suppress("PLATFORM_CLASS_MAPPED_TO_KOTLIN")
    private fun lowerCase(text: String): String = (text as java.lang.String).toLowerCase(Locale.ROOT)

    private fun fold(text: String) = MARKS.replace(Normalizer.normalize(text, Normalizer.Form.NFD), "")

    private companion object {
        const val LETTERS = "a-zàâäçéèêëîïôöùûüÿñı"
        const val NUMBER = "\\p{Nd}+(?:[.,:/]\\p{Nd}+)*(?:er|ère|e|ème)?%?"
        val WORD = Regex("$NUMBER|[$LETTERS]+(?:['-][${LETTERS}0-9]+)*|[a-zı]+\\p{Nd}+|\\p{Nd}+[a-zı]+")
        val ELISION = Regex("^(?:l|d|j|m|t|s|n|c|qu|jusqu|lorsqu|puisqu|quoiqu)'(?=.)")
        val INVERSION = Regex("-(?:t-)?(?:il|ils|elle|elles|on|je|tu|nous|vous|ce|ci|là|y|en|le|la|les|lui|leur|moi|toi)$")
        val MARKS = Regex("\\p{M}+")
        val WHOLE = setOf("aujourd'hui", "quelqu'un", "rendez-vous", "demi-point")
    }
}

/**
 * Porter's French stemmer as Snowball 3 has it (https://snowballstem.org/algorithms/french/stemmer.html), for one lower-case word.
 *
 * Vowels that act as consonants are written in capitals while it works, and ë, ï as He, Hi. A suffix goes only where it lies in a region: RV begins after
 * the first syllable or so, R1 after the first consonant that follows a vowel, R2 after the next.
 */
internal class TripletteFrenchStemmer(word: String) {
    private val text = StringBuilder(word)
    private var rv = 0
    private var r1 = 0
    private var r2 = 0

    fun stem(): String {
        elide()
        markConsonants()
        markRegions()
        if (standardSuffix() || verbSuffixInI() || verbSuffix()) {
            if (text.endsWith("Y")) put("Y", "i") else if (text.endsWith("ç")) put("ç", "c")
        } else {
            residualSuffix()
        }
        if (longest(DOUBLED) != null) text.setLength(text.length - 1)
        unaccent()
        return text.toString().replace("He", "ë").replace("Hi", "ï").replace("H", "").replace('I', 'i').replace('U', 'u').replace('Y', 'y')
    }

    private fun elide() {
        val cut = if (text.startsWith("qu")) 2 else if (text.isNotEmpty() && text[0] in "cdjlmnst") 1 else return
        if (text.length > cut + 1 && text[cut] == '\'') text.delete(0, cut + 1)
    }

    private fun vowel(at: Int) = at >= 0 && at < text.length && text[at] in VOWELS

    private fun markConsonants() {
        var at = 0
        while (at < text.length) {
            val next = if (at + 1 < text.length) text[at + 1] else ' '
            // after a change the same place is looked at again
            when {
                vowel(at) && (next == 'u' || next == 'i') && vowel(at + 2) -> text.setCharAt(at + 1, Character.toUpperCase(next))
                vowel(at) && next == 'y' -> text.setCharAt(at + 1, 'Y')
                text[at] == 'ë' -> text.replace(at, at + 1, "He")
                text[at] == 'ï' -> text.replace(at, at + 1, "Hi")
                text[at] == 'y' && vowel(at + 1) -> text.setCharAt(at, 'Y')
                text[at] == 'q' && next == 'u' -> text.setCharAt(at + 1, 'U')
                else -> at++
            }
        }
    }

    private fun markRegions() {
        val size = text.length
        rv = if (size > 2 && vowel(0) && vowel(1) || BEGINNINGS.any { text.startsWith(it) } || text.startsWith("ni") && vowel(2)) {
            3
        } else {
            after(1, true)
        }
        r1 = after(after(0, true), false)
        r2 = after(after(r1, true), false)
    }

    /** The place after the first vowel (or the first consonant) from `start` on; the end where there is none. */
    private fun after(start: Int, isVowel: Boolean): Int {
        var at = start
        while (at < text.length && vowel(at) != isVowel) at++
        return minOf(at + 1, text.length)
    }

    /** The longest of the suffixes that the text ends with, none of it before `from`. */
    private fun longest(suffixes: Collection<String>, from: Int = 0): String? =
        suffixes.filter { text.length - it.length >= from && text.endsWith(it) }.sortedByDescending { it.length }.firstOrNull()

    private fun begins(suffix: String) = text.length - suffix.length

    private fun put(suffix: String, other: String) {
        text.setLength(begins(suffix))
        text.append(other)
    }

    /** Puts `other` for a suffix that begins at `region` or after it. */
    private fun putIn(region: Int, suffix: String, other: String): Boolean {
        if (!text.endsWith(suffix) || begins(suffix) < region) return false
        put(suffix, other)
        return true
    }

    private fun standardSuffix(): Boolean {
        val suffix = longest(STANDARD.keys) ?: return false
        when (STANDARD.getValue(suffix)) {
            "delete" -> return putIn(r2, suffix, "")
            "ation" -> {
                if (!putIn(r2, suffix, "")) return false
                if (!putIn(r2, "ic", "")) putIn(0, "ic", "iqU")
            }
            "logie" -> return putIn(r2, suffix, "log")
            "ution" -> return putIn(r2, suffix, "u")
            "ence" -> return putIn(r2, suffix, "ent")
            "ement" -> {
                if (!putIn(rv, suffix, "")) return false
                afterEment()
            }
            "ité" -> {
                if (!putIn(r2, suffix, "")) return false
                when (longest(listOf("ic", "abil", "iv"))) {
                    "abil" -> if (!putIn(r2, "abil", "")) put("abil", "abl")
                    "ic" -> if (!putIn(r2, "ic", "")) put("ic", "iqU")
                    "iv" -> putIn(r2, "iv", "")
                }
            }
            "if" -> {
                if (!putIn(r2, suffix, "")) return false
                if (putIn(r2, "at", "") && !putIn(r2, "ic", "")) putIn(0, "ic", "iqU")
            }
            "eaux" -> put(suffix, "eau")
            "aux" -> return putIn(r1, suffix, "al")
            "oux" -> {
                if (begins(suffix) < 1 || text[begins(suffix) - 1] !in "bhjlnp") return false
                put(suffix, "ou")
            }
            "euse" -> return putIn(r2, suffix, "") || putIn(r1, suffix, "eux")
            "issement" -> return begins(suffix) > 0 && !vowel(begins(suffix) - 1) && putIn(r1, suffix, "")
            // adverbs go on as what is left of them
            "amment" -> return putIn(rv, suffix, "ant") && false
            "emment" -> return putIn(rv, suffix, "ent") && false
            "ment" -> {
                if (vowel(begins(suffix) - 1) && begins(suffix) - 1 >= rv) put(suffix, "")
                return false
            }
        }
        return true
    }

    private fun afterEment() {
        val rest = longest(listOf("iqU", "abl", "Ièr", "ièr", "eus", "iv")) ?: return
        when (rest) {
            "iv" -> if (putIn(r2, rest, "")) putIn(r2, "at", "")
            "eus" -> if (!putIn(r2, rest, "")) putIn(r1, rest, "eux")
            "abl", "iqU" -> putIn(r2, rest, "")
            else -> putIn(rv, rest, "i")
        }
    }

    private fun verbSuffixInI(): Boolean {
        val suffix = longest(VERB_IN_I, rv) ?: return false
        val before = begins(suffix) - 1
        if (before < rv || text[before] == 'H' || vowel(before)) return false
        put(suffix, "")
        return true
    }

    private fun verbSuffix(): Boolean {
        val suffix = longest(VERB.keys, rv) ?: return false
        val before = begins(suffix) - 1
        when (VERB.getValue(suffix)) {
            1 -> return putIn(r2, suffix, "")
            2 -> put(suffix, "")
            3 -> {
                put(suffix, "")
                if (before >= rv && text[before] == 'e') text.setLength(before)
            }
            else -> {
                val root = text.substring(0, before + 1)
                if (root.endsWith("épl") || root.endsWith("auv") || root.endsWith("al") && root.length == 3) return false
                put(suffix, "")
            }
        }
        return true
    }

    private fun residualSuffix() {
        val before = text.length - 2
        if (before >= 0 && text.endsWith("s") && (text.endsWith("His") || text[before] !in "aiosuè")) put("s", "")
        val suffix = longest(RESIDUAL, rv) ?: return
        when (suffix) {
            "e" -> put(suffix, "")
            "ion" -> {
                val at = begins(suffix) - 1
                if (at >= rv && (text[at] == 's' || text[at] == 't')) putIn(r2, suffix, "")
            }
            else -> put(suffix, "i")
        }
    }

    private fun unaccent() {
        var at = text.length - 1
        while (at >= 0 && !vowel(at)) at--
        if (at >= 0 && at < text.length - 1 && (text[at] == 'é' || text[at] == 'è')) text.setCharAt(at, 'e')
    }

    private companion object {
        const val VOWELS = "aeiouyàâèéêëîïôùû"
        val BEGINNINGS = listOf("col", "par", "tap")
        val DOUBLED = listOf("ell", "eill", "enn", "onn", "ett")
        val RESIDUAL = listOf("e", "Ière", "ière", "ion", "Ier", "ier")

        fun named(vararg kinds: Pair<String, String>) = kinds.flatMap { (kind, all) -> all.split(' ').map { it to kind } }.toMap()

        val STANDARD = named(
            "delete" to "iqUe iqUes ance ances able ables isme ismes iste istes eux",
            "ation" to "atrice atrices ation ations ateur ateurs",
            "logie" to "logie logies",
            "ution" to "usion usions ution utions",
            "ence" to "ence ences",
            "ement" to "ement ements",
            "ité" to "ité ités",
            "if" to "if ifs ive ives",
            "eaux" to "eaux",
            "aux" to "aux",
            "oux" to "oux",
            "euse" to "euse euses",
            "issement" to "issement issements",
            "amment" to "amment",
            "emment" to "emment",
            "ment" to "ment ments"
        )
        val VERB_IN_I = (
            "ira ie isse issante i irai ir iras ies îmes isses issantes îtes is irais issais irions issions irons issons issants it irait issait issant " +
                "iraIent issaIent irent issent iront ît iriez issiez irez issez"
            ).split(' ')

        // 1: in R2; 2: as it is; 3: with an e before it; 4: not after some roots
        val VERB = named(
            "1" to "ions",
            "2" to "era ée erai er eras ées eais erais erions erons és erait eraIent èrent eront ez iez eriez erez é",
            "3" to "a asse ante ai as âmes asses antes âtes assions ants ait ant aIent assent ât assiez",
            "4" to "aise aises ais"
        ).mapValues { it.value.toInt() }
    }
}
