package triplette

import android.database.Cursor
import android.database.sqlite.SQLiteDatabase
import java.io.File
import org.json.JSONObject

/**
 * A bundle's `index.sqlite` on the phone: asks a question of a `TripletteEmbedder` and of BM25, and ranks by both.
 *
 *     val index = TripletteIndex(folder)
 *     val vector = embedder.vector(embedder.ids(question, isQuery = true))
 *     for (answer in index.ask(question, vector, k = 5, per = TriplettePer.PAGE)) show(answer.row.title, index.text(answer))
 *
 * `words` cut questions into ranking tokens, by language; French is here. For another language pass your own; without any, give a bundle whose
 * contract ranks by the encoder alone. Holds the vectors in memory, a quarter of their float32 size.
 */
class TripletteIndex(folder: File, words: Map<String, TripletteWords> = emptyMap()) : AutoCloseable {
    private val database = SQLiteDatabase.openDatabase(File(folder, "index.sqlite").path, null, SQLiteDatabase.OPEN_READONLY)

    /** The corpus's languages, the most frequent first. */
    val languages: List<String> = meta("languages").orEmpty().split(",").filter { it.isNotEmpty() }
    private val words = words + ("fr" to (words["fr"] ?: TripletteFrench(meta("stop_words.fr").orEmpty().split(" ").toSet())))
    private val rows = readRows()
    private val search = TripletteSearch(rows, readFusion(folder), ::postings)
    private val isFused = readFusion(folder) != null

    /** The `k` best answers to a question, best first. `language` is the question's, where the corpus has several. */
    fun ask(
        question: String,
        vector: FloatArray,
        k: Int = 5,
        per: TriplettePer = TriplettePer.PASSAGE,
        language: String = languages.firstOrNull() ?: ""
    ): List<TripletteAnswer> {
        val cut = words[language]
        require(cut != null || !isFused) { "BM25 needs the ranking tokens of '$language': pass words for it" }
        return search.ask(cut?.tokens(question) ?: emptyList(), vector, k, per)
    }

    /** The passage's text. */
    fun text(answer: TripletteAnswer): String =
        first("SELECT text FROM chunks WHERE position = ?", answer.position.toString()) { it.getString(0) }.orEmpty()

    /** The passages that the answer's text refers to ("see article 3.1.2"), in the index's order. */
    fun refs(answer: TripletteAnswer): List<TripletteRow> {
        val found = ArrayList<TripletteRow>()
        database.rawQuery("SELECT target FROM refs WHERE position = ? ORDER BY target", arrayOf(answer.position.toString())).use {
            while (it.moveToNext()) found.add(rows[it.getInt(0)])
        }
        return found
    }

    private fun meta(key: String): String? = first("SELECT value FROM meta WHERE key = ?", key) { it.getString(0) }

    private fun postings(term: String): ByteArray? = first("SELECT postings FROM terms WHERE term = ?", term) { it.getBlob(0) }

    private fun <T> first(query: String, argument: String, read: (Cursor) -> T): T? =
        database.rawQuery(query, arrayOf(argument)).use { if (it.moveToNext()) read(it) else null }

    private fun readRows(): List<TripletteRow> {
        val found = ArrayList<TripletteRow>()
        val query = "SELECT chunk_id, title, source, page_start, page_end, scale, vector FROM chunks ORDER BY position"
        database.rawQuery(query, null).use {
            while (it.moveToNext()) {
                found.add(
                    TripletteRow(
                        it.getString(0), it.getString(1), it.getString(2), it.getInt(3), it.getInt(4), it.getFloat(5), it.getBlob(6)
                    )
                )
            }
        }
        return found
    }

    private fun readFusion(folder: File): TripletteFusion? {
        val fusion = JSONObject(File(folder, "contract.json").readText()).optJSONObject("fusion") ?: return null
        return TripletteFusion(
            fusion.getString("method"), fusion.getDouble("lexical"), fusion.getInt("rrf_k"), fusion.getDouble("neighbours")
        )
    }

    override fun close() = database.close()
}
