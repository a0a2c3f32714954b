"""Bodies and answers of the knowledge API."""

from rest_framework import serializers

from core.answers import AnswerSerializer
from core.api import StrictSerializer, UploadField
from knowledge.models import Document
from knowledge.questions import MAX_QUERY
from knowledge.searching import POOL


class DocumentUploadSerializer(StrictSerializer):
    """A file (multipart), or a URL to fetch; exactly one of them."""

    file = UploadField(required=False, allow_empty_file=True, max_length=200)
    url = serializers.URLField(required=False, max_length=2000)
    collection = serializers.CharField(required=False, allow_blank=True, max_length=80, default="")

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        if ("file" in attrs) == ("url" in attrs):
            raise serializers.ValidationError("Send either a file or a url.", code="one_of")
        return attrs


class DocumentSerializer(AnswerSerializer[Document]):
    """A document and where it stands in the pipeline."""

    chunks = serializers.IntegerField(source="chunk_count", read_only=True)
    percent = serializers.IntegerField(read_only=True)
    is_live = serializers.BooleanField(read_only=True)

    class Meta:
        model = Document
        fields = (
            "id",
            "title",
            "filename",
            "format",
            "collection",
            "language",
            "state",
            "percent",
            "progress_done",
            "progress_total",
            "error_code",
            "error_detail",
            "size_bytes",
            "source_url",
            "version",
            "is_live",
            "chunks",
            "created_at",
            "updated_at",
            "ready_at",
        )
        read_only_fields = fields


class SearchQuerySerializer(StrictSerializer):
    """A question to the knowledge base."""

    query = serializers.CharField(max_length=MAX_QUERY)
    limit = serializers.IntegerField(min_value=1, max_value=POOL, default=8)
    threshold = serializers.FloatField(min_value=0.0, max_value=1.0, default=0.0)


class SentenceSerializer(serializers.Serializer[object]):
    """A sentence; offsets are in the document's extracted text."""

    text = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    score = serializers.FloatField()


class PassageSerializer(serializers.Serializer[object]):
    """A passage, best first."""

    chunk_id = serializers.UUIDField()
    document_id = serializers.UUIDField()
    title = serializers.CharField()
    heading = serializers.CharField()
    text = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    score = serializers.FloatField()
    sentences = SentenceSerializer(many=True)
    url = serializers.CharField()


class SearchResultSerializer(serializers.Serializer[object]):
    """What was found; `support` is the probability that the passages answer the question."""

    query = serializers.CharField()
    passages = PassageSerializer(many=True)
    support = serializers.FloatField()
    embed_ms = serializers.FloatField()
    search_ms = serializers.FloatField()
