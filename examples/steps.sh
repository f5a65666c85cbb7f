# What steps of examples have in common: sourced by a steps.sh, in whose folder $work is its own.

say() { printf '\n--- %s\n' "$*"; }
call() { "$LATHE" call "$@" >"$work/answer"; }
member() { sed -n "s/^ *\"$1\": \"\(.*\)\",*$/\1/p" "$work/answer"; } # of the last answer, all of that name

delete_buckets() { # all there are: the example has the server to itself
    call s3 ListBuckets '{}'
    for name in $(member Name); do
        while call s3 ListObjectsV2 "{\"Bucket\": \"$name\"}"; keys=$(member Key); [ -n "$keys" ]; do
            objects=$(sed 's/.*/{"Key": "&"}/' <<<"$keys" | paste -s -d, -)
            call s3 DeleteObjects "{\"Bucket\": \"$name\", \"Delete\": {\"Objects\": [$objects]}}"
        done
        call s3 DeleteBucket "{\"Bucket\": \"$name\"}"
    done
}
