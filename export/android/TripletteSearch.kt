package triplette

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** How BM25 and the encoder are fused: `fusion` of `contract.json`. */
data class TripletteFusion(val method: String, val lexical: Double, val rrfK: Int, val neighbours: Double)

/** A passage of the bundle's index, without its text. `pageStart` is 0 where the document has no pages. */
class TripletteRow(
    val chunkId: String,
    val title: String,
    val source: String,
    val pageStart: Int,
    val pageEnd: Int,
    internal val scale: Float,
    internal val vector: ByteArray
)

/**
 * An answer: its rank from 1 and the score it was ranked by; beside them both rankers' own ranks over the whole corpus and scores.
 * `lexicalRank` is 0 where the passage has no word of the question. `position` is the passage's place in the index.
 */
class TripletteAnswer(
    val rank: Int,
    val score: Double,
    val lexicalRank: Int,
    val lexicalScore: Double,
    val denseRank: Int,
    val denseScore: Double,
    val position: Int,
    val row: TripletteRow
)

/** What an answer is: each passage, or the best one of a page or of a section. */
enum class TriplettePer { PASSAGE, PAGE, SECTION }

/**
 * Ranks a bundle's passages as its proof measured them: BM25 from the index's posting lists, cosines of its int8 vectors, fused as the
 * contract says; by cosine alone where `fusion` is null. Every passage is scored, which takes milliseconds for a few thousand.
 *
 * `rows` come in the index's order. `postings` gives a term's posting list (int32 positions, then float64 weights, little-endian), or
 * null for a term that no passage has.
 */
class TripletteSearch(private val rows: List<TripletteRow>, private val fusion: TripletteFusion?, private val postings: (String) -> ByteArray?) {
    private val before = IntArray(rows.size) { -1 }
    private val after = IntArray(rows.size) { -1 }

    init {
        for ((_, places) in rows.indices.groupBy { rows[it].source }) {
            for (i in 1 until places.size) {
                before[places[i]] = places[i - 1]
                after[places[i - 1]] = places[i]
            }
        }
    }

    /**
     * The `k` best passages for a question, best first: `tokens` are its ranking tokens (`TripletteWords`), `vector` its embedding of length 1.
     */
    fun ask(tokens: List<String>, vector: FloatArray, k: Int = 5, per: TriplettePer = TriplettePer.PASSAGE): List<TripletteAnswer> {
        val lexical = lexicalScores(tokens)
        val dense = denseScores(vector)
        val ranked = fused(lexical, dense)
        val lexicalRanks = ranks(lexical)
        val denseRanks = ranks(dense)
        val seen = HashSet<Any>()
        return order(ranked).filter { seen.add(key(it, per)) }.take(k).mapIndexed { n, at ->
            val lexicalRank = if (lexical[at] > 0) lexicalRanks[at] else 0
            TripletteAnswer(n + 1, ranked[at], lexicalRank, lexical[at], denseRanks[at], dense[at], at, rows[at])
        }
    }

    /** BM25 of every passage. */
    fun lexicalScores(tokens: List<String>): DoubleArray {
        val scores = DoubleArray(rows.size)
        for (token in tokens) {
            val list = ByteBuffer.wrap(postings(token) ?: continue).order(ByteOrder.LITTLE_ENDIAN)
            val count = list.capacity() / POSTING
            for (n in 0 until count) scores[list.getInt(4 * n)] += list.getDouble(4 * count + 8 * n)
        }
        return scores
    }

    /** The cosine of every passage with the question, at the question's dimension. */
    fun denseScores(vector: FloatArray): DoubleArray = DoubleArray(rows.size) { at ->
        val row = rows[at]
        require(vector.size <= row.vector.size) { "the index holds vectors of ${row.vector.size} numbers, the question's has ${vector.size}" }
        var product = 0.0
        var square = 0.0
        for (n in vector.indices) {
            val x = (row.vector[n] * row.scale).toDouble()
            product += x * vector[n]
            square += x * x
        }
        rounded(product / maxOf(Math.sqrt(square), 1e-12))
    }

    private fun fused(lexical: DoubleArray, dense: DoubleArray): DoubleArray {
        val how = fusion ?: return dense
        val mixed = if (how.method == "convex") {
            val (ours, theirs) = unitRange(lexical) to unitRange(dense)
            DoubleArray(rows.size) { how.lexical * ours[it] + (1 - how.lexical) * theirs[it] }
        } else {
            val (ours, theirs) = ranks(lexical) to ranks(dense)
            DoubleArray(rows.size) { (if (lexical[it] > 0) 1.0 / (how.rrfK + ours[it]) else 0.0) + 1.0 / (how.rrfK + theirs[it]) }
        }
        fun at(place: Int) = if (place < 0) 0.0 else mixed[place]
        return DoubleArray(rows.size) { rounded(mixed[it] + how.neighbours * (at(before[it]) + at(after[it]))) }
    }

    private fun unitRange(scores: DoubleArray): DoubleArray {
        val low = scores.fold(Double.POSITIVE_INFINITY) { least, score -> minOf(least, score) }
        val room = scores.fold(Double.NEGATIVE_INFINITY) { greatest, score -> maxOf(greatest, score) } - low
        return DoubleArray(scores.size) { if (room > 0) (scores[it] - low) / room else 0.0 }
    }

    /** Places from the highest score to the lowest; of equal scores the earlier passage is first. */
    private fun order(scores: DoubleArray): List<Int> = scores.indices.sortedByDescending { scores[it] }

    private fun ranks(scores: DoubleArray): IntArray {
        val found = IntArray(scores.size)
        order(scores).forEachIndexed { n, at -> found[at] = n + 1 }
        return found
    }

    private fun key(at: Int, per: TriplettePer): Any {
        val row = rows[at]
        return when {
            per == TriplettePer.PAGE && row.pageStart > 0 -> row.source to row.pageStart
            per == TriplettePer.SECTION && row.title.isNotEmpty() -> row.source to row.title
            else -> at
        }
    }

    private fun rounded(score: Double) = Math.rint(score * DECIMALS) / DECIMALS

    private companion object {
        const val POSTING = 12 // bytes of one passage in a posting list
        const val DECIMALS = 1e6 // of the encoder's and the fused score, as in the proof
    }
}
