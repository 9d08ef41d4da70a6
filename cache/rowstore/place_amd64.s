//go:build amd64 && !purego

#include "textflag.h"

// func place8(dst []byte, cols []int32, codes []byte)
//
// Columns are read two at a time and codes eight: loads would else be more than the processor does in the time of the
// stores.
TEXT ·place8(SB), NOSPLIT, $0-72
	MOVQ dst_base+0(FP), DI
	MOVQ cols_base+24(FP), SI
	MOVQ cols_len+32(FP), CX
	MOVQ codes_base+48(FP), R8

eight:
	CMPQ CX, $8
	JLT  one
	MOVQ (R8), DX
	MOVQ (SI), AX
	MOVQ 8(SI), R9
	MOVQ 16(SI), R10
	MOVQ 24(SI), R11
	MOVL AX, BX
	SHRQ $32, AX
	MOVB DX, (DI)(BX*1)
	SHRQ $8, DX
	MOVB DX, (DI)(AX*1)
	MOVL R9, BX
	SHRQ $32, R9
	SHRQ $8, DX
	MOVB DX, (DI)(BX*1)
	SHRQ $8, DX
	MOVB DX, (DI)(R9*1)
	MOVL R10, BX
	SHRQ $32, R10
	SHRQ $8, DX
	MOVB DX, (DI)(BX*1)
	SHRQ $8, DX
	MOVB DX, (DI)(R10*1)
	MOVL R11, BX
	SHRQ $32, R11
	SHRQ $8, DX
	MOVB DX, (DI)(BX*1)
	SHRQ $8, DX
	MOVB DX, (DI)(R11*1)
	ADDQ $32, SI
	ADDQ $8, R8
	SUBQ $8, CX
	JMP  eight

one:
	TESTQ CX, CX
	JZ    done
	MOVL  (SI), AX
	MOVB  (R8), DX
	MOVB  DX, (DI)(AX*1)
	ADDQ  $4, SI
	INCQ  R8
	DECQ  CX
	JMP   one

done:
	RET

// func place32(dst []uint32, cols []int32, vals []uint32)
TEXT ·place32(SB), NOSPLIT, $0-72
	MOVQ dst_base+0(FP), DI
	MOVQ cols_base+24(FP), SI
	MOVQ cols_len+32(FP), CX
	MOVQ vals_base+48(FP), R8

four:
	CMPQ CX, $4
	JLT  one
	MOVQ (SI), AX
	MOVQ 8(SI), R9
	MOVQ (R8), DX
	MOVQ 8(R8), R10
	MOVL AX, BX
	SHRQ $32, AX
	MOVL DX, (DI)(BX*4)
	SHRQ $32, DX
	MOVL DX, (DI)(AX*4)
	MOVL R9, BX
	SHRQ $32, R9
	MOVL R10, (DI)(BX*4)
	SHRQ $32, R10
	MOVL R10, (DI)(R9*4)
	ADDQ $16, SI
	ADDQ $16, R8
	SUBQ $4, CX
	JMP  four

one:
	TESTQ CX, CX
	JZ    done
	MOVL  (SI), AX
	MOVL  (R8), DX
	MOVL  DX, (DI)(AX*4)
	ADDQ  $4, SI
	ADDQ  $4, R8
	DECQ  CX
	JMP   one

done:
	RET

// func prefetch(row []byte)
//
// Into the second cache: more of it can be under way at once, and the first is full of what is being worked on.
TEXT ·prefetch(SB), NOSPLIT, $0-24
	MOVQ row_base+0(FP), SI
	MOVQ row_len+8(FP), CX

line:
	PREFETCHT1 (SI)
	ADDQ       $64, SI
	SUBQ       $64, CX
	JGT        line
	RET

// func storeFence()
TEXT ·storeFence(SB), NOSPLIT, $0-0
	SFENCE
	RET

#define PLACEMAPPED(col) \
	MOVL (R9)(col*4), BX    \
	MOVB DX, (DI)(BX*1)     \
	SHRQ $8, DX

// func placeMapped8(dst []byte, cols []int32, codes []byte, to []int32)
TEXT ·placeMapped8(SB), NOSPLIT, $0-96
	MOVQ dst_base+0(FP), DI
	MOVQ cols_base+24(FP), SI
	MOVQ cols_len+32(FP), CX
	MOVQ codes_base+48(FP), R8
	MOVQ to_base+72(FP), R9

eight:
	CMPQ CX, $8
	JLT  one
	MOVQ (R8), DX
	MOVQ (SI), AX
	MOVQ 8(SI), R10
	MOVQ 16(SI), R11
	MOVQ 24(SI), R12
	MOVL AX, BX
	SHRQ $32, AX
	PLACEMAPPED(BX)
	PLACEMAPPED(AX)
	MOVL R10, BX
	SHRQ $32, R10
	PLACEMAPPED(BX)
	PLACEMAPPED(R10)
	MOVL R11, BX
	SHRQ $32, R11
	PLACEMAPPED(BX)
	PLACEMAPPED(R11)
	MOVL R12, BX
	SHRQ $32, R12
	PLACEMAPPED(BX)
	PLACEMAPPED(R12)
	ADDQ $32, SI
	ADDQ $8, R8
	SUBQ $8, CX
	JMP  eight

one:
	TESTQ CX, CX
	JZ    done
	MOVL  (SI), AX
	MOVL  (R9)(AX*4), AX
	MOVB  (R8), DX
	MOVB  DX, (DI)(AX*1)
	ADDQ  $4, SI
	INCQ  R8
	DECQ  CX
	JMP   one

done:
	RET

// func rename512(cols, to []int32)
TEXT ·rename512(SB), NOSPLIT, $0-48
	MOVQ cols_base+0(FP), SI
	MOVQ cols_len+8(FP), CX
	MOVQ to_base+24(FP), R9

sixteen:
	CMPQ       CX, $16
	JLT        one
	VMOVDQU32  (SI), Z0
	KXNORW     K1, K1, K1
	VPXORD     Z1, Z1, Z1
	VPGATHERDD (R9)(Z0*4), K1, Z1
	VMOVDQU32  Z1, (SI)
	ADDQ       $64, SI
	SUBQ       $16, CX
	JMP        sixteen

one:
	TESTQ CX, CX
	JZ    done
	MOVL  (SI), AX
	MOVL  (R9)(AX*4), AX
	MOVL  AX, (SI)
	ADDQ  $4, SI
	DECQ  CX
	JMP   one

done:
	VZEROUPPER
	RET
