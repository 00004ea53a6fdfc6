/*
 * Leaves of a transaction, and the canonical bytes of records: protobuf's wire format, written by hand, as this folder
 * knows no protobuf.
 */
#include "storage/log/leaves.h"

#include <string.h>

#include "storage/log/varint.h"

bool lf_leaves_add(struct lf_leaves *leaves, enum lf_leaf_kind kind, uint64_t number, int64_t time_us,
	const struct lf_digest *commitments, size_t commitment_count, struct lf_leaf_place *place)
{
	const uint64_t position = leaves->tree.size;
	const struct lf_leaf leaf = {kind, number == 0 ? position : number, time_us, commitments, commitment_count};

	if (leaves->node_count + LF_TREE_NODES_MAX > LF_LEAVES_NODES_MAX)
		return false;
	place->position = position;
	lf_leaf_digest(&leaf, &place->hash);
	leaves->node_count += lf_tree_add(&leaves->tree, &place->hash, leaves->nodes + leaves->node_count);
	return true;
}

/* ---- records ---- */

/* Where bytes go; NULL out only counts them. */
struct sink {
	uint8_t *out;
	size_t length;
};

static void put_varint(struct sink *sink, uint64_t value)
{
	sink->length += lf_varint_write(sink->out != NULL ? sink->out + sink->length : NULL, value);
}

static void put_number(struct sink *sink, unsigned field, uint64_t value)
{
	if (value == 0)
		return;
	put_varint(sink, field << 3);
	put_varint(sink, value);
}

static void put_bytes(struct sink *sink, unsigned field, const void *data, size_t length)
{
	if (length == 0)
		return;
	put_varint(sink, field << 3 | 2);
	put_varint(sink, length);
	if (sink->out != NULL)
		memcpy(sink->out + sink->length, data, length);
	sink->length += length;
}

static void put_text(struct sink *sink, unsigned field, const char *text)
{
	if (text != NULL)
		put_bytes(sink, field, text, strlen(text));
}

static void put_digest(struct sink *sink, unsigned field, const struct lf_digest *digest)
{
	if (digest != NULL)
		put_bytes(sink, field, digest, sizeof(*digest));
}

size_t lf_record_decision(const struct lf_decision_columns *columns, uint8_t *out)
{
	struct sink sink = {out, 0};

	put_number(&sink, 1, columns->sequence);
	put_bytes(&sink, 2, columns->id, 16);
	put_number(&sink, 3, (uint64_t)columns->decided_at_us);
	put_text(&sink, 4, columns->caller);
	put_text(&sink, 5, columns->team);
	put_text(&sink, 6, columns->project);
	put_text(&sink, 7, columns->rubric);
	put_number(&sink, 8, columns->outcome);
	put_number(&sink, 9, columns->purpose);
	put_text(&sink, 10, columns->recommended);
	put_digest(&sink, 11, columns->candidates);
	put_digest(&sink, 12, columns->request_digest);
	put_bytes(&sink, 13, columns->answer, columns->answer_length);
	return sink.length;
}

size_t lf_record_rubric(const struct lf_rubric_columns *columns, uint8_t *out)
{
	struct sink sink = {out, 0};

	put_text(&sink, 1, columns->name);
	put_text(&sink, 2, columns->title);
	put_text(&sink, 3, columns->put_by);
	put_number(&sink, 4, (uint64_t)columns->put_at_us);
	return sink.length;
}

size_t lf_record_activation(const struct lf_activation_columns *columns, uint8_t *out)
{
	struct sink sink = {out, 0};

	put_text(&sink, 1, columns->name);
	put_text(&sink, 2, columns->caller);
	put_number(&sink, 3, (uint64_t)columns->activated_at_us);
	put_digest(&sink, 4, columns->from);
	put_digest(&sink, 5, columns->to);
	return sink.length;
}

size_t lf_record_act(const struct lf_act_columns *columns, uint8_t *out)
{
	struct sink sink = {out, 0};

	put_number(&sink, 1, columns->kind);
	put_text(&sink, 2, columns->caller);
	put_number(&sink, 3, (uint64_t)columns->at_us);
	put_number(&sink, 4, columns->decision_sequence);
	put_bytes(&sink, 5, columns->body, columns->body_length);
	return sink.length;
}
